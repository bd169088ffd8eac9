package dev.tailwater.jobs;

import dev.tailwater.connectors.iceberg.ArchivedPrediction;
import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.connectors.kafka.DeadLetter;
import dev.tailwater.connectors.kafka.KafkaLog;
import dev.tailwater.connectors.kafka.OutgoingRecord;
import dev.tailwater.connectors.kafka.StartAt;
import dev.tailwater.connectors.log.LogRecord;
import dev.tailwater.plan.ModelPlan;
import dev.tailwater.plan.Plan;
import dev.tailwater.schemas.Prediction;
import dev.tailwater.schemas.PredictionFormat;
import dev.tailwater.schemas.UndecodableRecordException;
import java.time.Duration;
import java.util.Optional;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichFilterFunction;
import org.apache.flink.api.common.state.StateTtlConfig;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.metrics.Counter;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.util.Collector;
import org.apache.flink.util.OutputTag;

/**
 * Copies the predictions topics to their tables, exactly once: the topic is at least once, and of
 * the records with one question id the first offset wins.
 */
public final class ArchiveJob {

  private ArchiveJob() {}

  /**
   * Where the job reads and writes.
   *
   * @param rememberFor how long a question id is remembered, in processing time: longer than a
   *     scoring job can be down and repeat what it has already published
   */
  public record Config(KafkaLog log, Lake lake, Duration rememberFor) {}

  /** Adds the job for all models of the plan; the topics exist. */
  public static void build(StreamExecutionEnvironment env, Plan plan, Config config) {
    JobSettings.streaming(env);
    OutputTag<OutgoingRecord> refused = new OutputTag<>("dead-letters", OutgoingRecord.typeInfo());
    for (ModelPlan model : plan.models()) {
      String name = model.name();
      SingleOutputStreamOperator<ArchivedPrediction> predictions =
          env.fromSource(
                  config.log().rawSource(model.to(), StartAt.earliest(), Optional.empty()),
                  WatermarkStrategy.noWatermarks(),
                  "source:predictions:" + name)
              .uid("source:predictions:" + name)
              .process(new Decode(model.to(), model.format(), refused))
              .returns(ArchivedPrediction.typeInfo())
              .uid("decode:predictions:" + name)
              .name("decode:predictions:" + name);
      predictions
          .getSideOutput(refused)
          .sinkTo(config.log().sink())
          .uid("sink:dead-letters:" + name)
          .name("sink:dead-letters:" + name);
      config
          .lake()
          .appendPredictions(
              predictions
                  .keyBy(archived -> archived.prediction().questionId(), Types.STRING)
                  .filter(new FirstOfQuestion(config.rememberFor()))
                  .uid("first-of-question:" + name)
                  .name("first-of-question:" + name),
              name,
              "sink:predictions:" + name);
    }
  }

  private static final class Decode extends ProcessFunction<LogRecord, ArchivedPrediction> {

    private final String topic;
    private final PredictionFormat format;
    private final OutputTag<OutgoingRecord> refused;

    private transient PredictionFormat.Decoder decoder;

    Decode(String topic, PredictionFormat format, OutputTag<OutgoingRecord> refused) {
      this.topic = topic;
      this.format = format;
      this.refused = refused;
    }

    @Override
    public void open(OpenContext context) {
      decoder = format.decoder();
    }

    @Override
    public void processElement(
        LogRecord record, Context context, Collector<ArchivedPrediction> out) {
      byte[] bytes = record.bytes;
      if (bytes == null) {
        context.output(refused, deadLetter(record, String.valueOf(record.problem)));
        return;
      }
      Prediction prediction;
      try {
        prediction = decoder.decode(bytes);
      } catch (UndecodableRecordException e) {
        context.output(refused, deadLetter(record, String.valueOf(e.getMessage())));
        return;
      }
      out.collect(
          new ArchivedPrediction(prediction, record.partition, record.offset, record.appendTime));
    }

    private OutgoingRecord deadLetter(LogRecord record, String reason) {
      return new DeadLetter(
              topic,
              topic,
              record.partition,
              record.offset,
              record.appendTime,
              DeadLetter.Code.UNDECODABLE,
              reason,
              null,
              record.bytes)
          .toRecord();
    }
  }

  /** Lets the first record of each question pass; one partition holds them all, in order. */
  private static final class FirstOfQuestion extends RichFilterFunction<ArchivedPrediction> {

    private final Duration rememberFor;

    private transient ValueState<Boolean> seen;
    private transient Counter duplicates;

    FirstOfQuestion(Duration rememberFor) {
      this.rememberFor = rememberFor;
    }

    @Override
    public void open(OpenContext context) {
      ValueStateDescriptor<Boolean> descriptor = new ValueStateDescriptor<>("seen", Types.BOOLEAN);
      descriptor.enableTimeToLive(
          StateTtlConfig.newBuilder(rememberFor)
              .setUpdateType(StateTtlConfig.UpdateType.OnCreateAndWrite)
              .build());
      seen = getRuntimeContext().getState(descriptor);
      duplicates = Metric.DUPLICATE_PREDICTIONS.counter(getRuntimeContext());
    }

    @Override
    public boolean filter(ArchivedPrediction prediction) throws Exception {
      if (seen.value() != null) {
        duplicates.inc();
        return false;
      }
      seen.update(true);
      return true;
    }
  }
}

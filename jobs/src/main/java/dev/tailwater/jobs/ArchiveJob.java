package dev.tailwater.jobs;

import dev.tailwater.connectors.iceberg.ArchivedPrediction;
import dev.tailwater.connectors.iceberg.ArchivedRecord;
import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.connectors.kafka.DeadLetter;
import dev.tailwater.connectors.kafka.KafkaLog;
import dev.tailwater.connectors.kafka.OutgoingRecord;
import dev.tailwater.connectors.kafka.StartAt;
import dev.tailwater.connectors.log.RawRecord;
import dev.tailwater.plan.ModelPlan;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.StreamPlan;
import dev.tailwater.schemas.Prediction;
import dev.tailwater.schemas.PredictionFormat;
import dev.tailwater.schemas.UndecodableRecordException;
import java.time.Duration;
import java.util.Map;
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
 * Copies the log to the lake, which remembers it after the log's retention has passed: every record
 * of every stream, and the predictions. Each exactly once.
 *
 * <p>The tables say where to go on: without a checkpoint the job starts at the offsets that follow
 * the newest ones there, and from whatever it starts, records that they hold are left out. So
 * neither a new job nor an older savepoint writes a record twice. Predictions are at least once on
 * the log: of those with one question id the first offset wins.
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

  /**
   * Adds the job for all streams and models of the plan; the topics exist.
   *
   * @throws IllegalArgumentException if the log no longer has the record that follows the last one
   *     of a table, or the records of a stream's topic are in a table of another name
   * @throws java.io.UncheckedIOException if the log does not answer
   */
  public static void build(StreamExecutionEnvironment env, Plan plan, Config config) {
    JobSettings.streaming(env);
    for (StreamPlan stream : plan.recordedStreams()) {
      archive(env, stream, config);
    }
    OutputTag<OutgoingRecord> refused = new OutputTag<>("dead-letters", OutgoingRecord.typeInfo());
    for (ModelPlan model : plan.models()) {
      String name = model.name();
      SingleOutputStreamOperator<ArchivedPrediction> predictions =
          env.fromSource(
                  config
                      .log()
                      .rawSource(
                          model.to(),
                          StartAt.offsets(config.lake().predictionEnds(name)),
                          Optional.empty()),
                  WatermarkStrategy.noWatermarks(),
                  "source:predictions:" + name)
              .uid("source:predictions:" + name)
              .process(new Decode(config.lake(), model, refused))
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

  private static void archive(StreamExecutionEnvironment env, StreamPlan stream, Config config) {
    String name = stream.name();
    config.lake().requireRawName(name, stream.topic());
    config.lake().ensureRawTable(name);
    Map<Integer, Long> archived = LakeThenLog.archived(config.lake(), stream);
    LakeThenLog.requireNoGap(config.log(), stream, config.lake().rawEnd(name));
    config
        .lake()
        .appendRaw(
            env.fromSource(
                    config
                        .log()
                        .rawSource(stream.topic(), StartAt.offsets(archived), Optional.empty()),
                    WatermarkStrategy.noWatermarks(),
                    "source:raw:" + name)
                .uid("source:raw:" + name)
                .keyBy(RawRecord::partition, Types.INT)
                .process(new ArchiveFunction(config.lake(), stream))
                .returns(ArchivedRecord.typeInfo())
                .uid("archive:raw:" + name)
                .name("archive:raw:" + name),
            name,
            "sink:raw:" + name);
  }

  private static final class Decode extends ProcessFunction<RawRecord, ArchivedPrediction> {

    private final Lake lake;
    private final String model;
    private final String topic;
    private final PredictionFormat format;
    private final OutputTag<OutgoingRecord> refused;

    private transient Map<Integer, Long> archived;
    private transient PredictionFormat.Decoder decoder;
    private transient Counter knownRecords;

    Decode(Lake lake, ModelPlan model, OutputTag<OutgoingRecord> refused) {
      this.lake = lake;
      this.model = model.name();
      this.topic = model.to();
      this.format = model.format();
      this.refused = refused;
    }

    @Override
    public void open(OpenContext context) {
      archived = lake.predictionEnds(model);
      decoder = format.decoder();
      knownRecords = Metric.ALREADY_ARCHIVED.counter(getRuntimeContext());
    }

    @Override
    public void processElement(
        RawRecord record, Context context, Collector<ArchivedPrediction> out) {
      if (record.offset() < archived.getOrDefault(record.partition(), 0L)) {
        knownRecords.inc();
        return;
      }
      byte[] bytes = record.value();
      if (bytes == null) {
        context.output(refused, deadLetter(record, "no value"));
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
          new ArchivedPrediction(
              prediction, record.partition(), record.offset(), record.appendTime()));
    }

    private OutgoingRecord deadLetter(RawRecord record, String reason) {
      return new DeadLetter(
              topic,
              topic,
              record.partition(),
              record.offset(),
              record.appendTime(),
              DeadLetter.Code.UNDECODABLE,
              reason,
              null,
              record.value())
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

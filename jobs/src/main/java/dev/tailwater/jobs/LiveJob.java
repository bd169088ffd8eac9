package dev.tailwater.jobs;

import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.connectors.kafka.KafkaLog;
import dev.tailwater.connectors.kafka.OutgoingRecord;
import dev.tailwater.connectors.redis.RedisAddress;
import dev.tailwater.definitions.AnswerMode;
import dev.tailwater.plan.ModelPlan;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.ViewPlan;
import dev.tailwater.schemas.Prediction;
import dev.tailwater.schemas.PredictionFormat;
import dev.tailwater.serving.MicroBatcherSettings;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * The live job: all of history and what comes, from lake and log, in; features to both stores,
 * scores to the predictions topics, refused records to the dead letters.
 */
public final class LiveJob {

  private LiveJob() {}

  /**
   * Where the live job reads and writes.
   *
   * @param redis the online store
   * @param lake the log's memory, and the offline store; its tables are created if they are missing
   * @param models the version to serve of each model; a model that is not named is not asked
   * @param askFrom by stream name and partition, the first offset that asks for predictions;
   *     earlier events are facts only. Streams that are not named ask from their beginning
   */
  public record Config(
      KafkaLog log,
      RedisAddress redis,
      Lake lake,
      List<ServedModel> models,
      Map<String, Map<Integer, Long>> askFrom,
      long generation,
      MicroBatcherSettings batching) {

    public Config {
      models = List.copyOf(models);
      askFrom = Map.copyOf(askFrom);
    }
  }

  /** The Kafka group under which the job commits its offsets, unless the log names one. */
  public static String group(Plan plan) {
    return "tailwater-live-" + plan.project();
  }

  /** Adds the job; the topics exist. */
  public static void build(StreamExecutionEnvironment env, Plan plan, Config config) {
    KafkaLog log =
        config.log().group().isPresent() ? config.log() : config.log().withGroup(group(plan));
    LiveSources sources = new LiveSources(log, Optional.of(config.lake()));
    FeatureGraph graph =
        FeatureGraph.build(
            JobSettings.asking(env),
            plan,
            stream -> sources.of(plan.streams().get(stream)),
            new FeatureGraph.Options(asks(plan, config), true, config.generation(), Set.of()));

    new TwinStore(config.redis(), config.lake(), config.generation(), false)
        .store(
            plan,
            graph.featureRows(),
            plan.views().stream().map(ViewPlan::name).collect(Collectors.toSet()));

    DataStream<OutgoingRecord> refused = null;
    for (DataStream<OutgoingRecord> letters : graph.deadLetters()) {
      refused = refused == null ? letters : refused.union(letters);
    }
    if (refused != null) {
      refused.sinkTo(config.log().sink()).uid("sink:dead-letters").name("sink:dead-letters");
    }

    for (ServedModel served : config.models()) {
      ModelPlan model = plan.models().get(served.model());
      // An answer that waits for the watermark waits longer than any deadline.
      boolean withDeadline = model.answer() == AnswerMode.ON_ARRIVAL;
      graph
          .predictions(served, config.batching(), withDeadline)
          .map(new ToRecord(model.to(), model.format()))
          .returns(OutgoingRecord.typeInfo())
          .uid("encode:" + model.name())
          .name("encode:" + model.name())
          .sinkTo(config.log().sink())
          .uid("sink:predictions:" + model.name())
          .name("sink:predictions:" + model.name());
    }
  }

  /** One ask per stream: the views of all the models that it asks. */
  private static List<Ask> asks(Plan plan, Config config) {
    List<Ask> asks = new ArrayList<>();
    for (int stream = 0; stream < plan.streams().size(); stream++) {
      int position = stream;
      List<ModelPlan> asked =
          config.models().stream()
              .map(served -> plan.models().get(served.model()))
              .filter(model -> model.ask() == position)
              .toList();
      if (!asked.isEmpty()) {
        int[] views =
            asked.stream()
                .flatMapToInt(model -> Arrays.stream(model.views()))
                .distinct()
                .sorted()
                .toArray();
        String name = plan.streams().get(stream).name();
        asks.add(
            new Ask(
                stream,
                views,
                asked.get(0).answer(),
                asked.get(0).about(),
                config.askFrom().getOrDefault(name, Map.of())));
      }
    }
    return asks;
  }

  private static final class ToRecord extends RichMapFunction<Prediction, OutgoingRecord> {

    private final String topic;
    private final PredictionFormat format;

    private transient PredictionFormat.Encoder encoder;

    ToRecord(String topic, PredictionFormat format) {
      this.topic = topic;
      this.format = format;
    }

    @Override
    public void open(OpenContext context) {
      encoder = format.encoder();
    }

    @Override
    public OutgoingRecord map(Prediction prediction) {
      // Keyed by the question, so that all answers to it are in one partition, in order.
      byte[] key = prediction.questionId().getBytes(StandardCharsets.UTF_8);
      return new OutgoingRecord(topic, key, encoder.encode(prediction), Map.of());
    }
  }
}

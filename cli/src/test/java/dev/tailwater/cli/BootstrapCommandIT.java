package dev.tailwater.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.connectors.kafka.KafkaLog;
import dev.tailwater.serving.ModelRepository;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import java.util.concurrent.locks.LockSupport;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The commands as they are typed, against a stack that runs. */
class BootstrapCommandIT {

  private static final int PAYMENTS = 400;
  private static final long START = 1_767_225_600_000L;

  private static final String DEFINITIONS =
      """
      kind: stream
      name: payments
      topic: payments
      format: json
      schema: payment.avsc
      event_time: paid_at
      event_id: payment_id
      key: customer_id
      disorder: 5s
      expect:
        small: {that: amount < %s, else: fail}
      ---
      kind: entity
      name: customer
      key: {customer_id: string}
      ---
      kind: feature-view
      name: spend
      entity: customer
      from: payments
      refresh: never
      features:
        paid_count: {count: "*", over: %s}
        paid_avg: {avg: amount, over: 1d}
      """;

  private static final String SCHEMA =
      """
      {"type": "record", "name": "Payment", "fields": [
        {"name": "payment_id", "type": "string"},
        {"name": "paid_at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "customer_id", "type": "string"},
        {"name": "amount", "type": "double"}]}
      """;

  private final Path directory;

  BootstrapCommandIT(@TempDir Path directory) {
    this.directory = directory;
  }

  @Test
  void aChangedViewIsBootstrappedReadAndRolledBack() throws Exception {
    Path project = directory.resolve("shop");
    define(project, "1000", "[1d]");
    String before = version(project);
    Outcome nobody = run("bootstrap", project.toString());
    assertThat(nobody.code()).isEqualTo(Main.FAILED);
    assertThat(nobody.err()).contains("no stack runs in").doesNotContain("\tat ");

    try (LocalStack stack = start(project)) {
      startLive(stack, project);
      assertThat(run("bootstrap", project.toString()).err()).contains("nothing to bootstrap");
      assertThat(run("rollback", project.toString()).err())
          .contains("no view has a version before the present one");

      define(project, "1000", "[1h, 1d]");
      String after = version(project);
      Outcome unread = get(project);
      assertThat(unread.code()).as(unread.err()).isEqualTo(Main.OK);
      assertThat(unread.err())
          .contains("readers use version " + before, "the project defines version " + after);

      Outcome built = run("bootstrap", project.toString(), "--no-activate");
      assertThat(built.code()).as(built.err()).isEqualTo(Main.OK);
      assertThat(built.err()).contains("Started shop: bootstrap spend@" + after, "Caught up");
      assertThat(get(project).err()).contains("readers use version " + before);

      Outcome activated = run("bootstrap", project.toString());
      assertThat(activated.code()).as(activated.err()).isEqualTo(Main.OK);
      assertThat(activated.err()).contains("The job runs already");
      assertThat(activated.out())
          .contains("spend: readers use version %s now, %s before".formatted(after, before));
      assertThat(get(project).out()).contains("paid_count_1h", "paid_count_1d", "paid_avg");
      assertThat(run("plan", project.toString()).out()).contains("spend: unchanged");

      Outcome back = run("rollback", project.toString(), "--json");
      assertThat(back.out()).contains("\"version\":\"" + before + "\"");
      assertThat(get(project).err()).contains("readers use version " + before);
      assertThat(run("bootstrap", project.toString()).err())
          .contains("is the one that readers used before", "tailwater rollback");
      assertThat(run("rollback", project.toString()).code()).isEqualTo(Main.OK);
      assertThat(get(project).err()).isEmpty();

      define(project, "3", "[1h, 7d]");
      Outcome failed = run("bootstrap", project.toString());
      assertThat(failed.code()).isEqualTo(Main.FAILED);
      assertThat(failed.err())
          .contains("ended: stream payments", "small", "Readers see nothing of it")
          .doesNotContain("\tat ");
      assertThat(get(project).err()).contains("readers use version " + after);
      try (RemoteFlink flink =
          new RemoteFlink(
              RunningStack.require(new TailwaterHome(directory)), EnvironmentConfig.local())) {
        assertThat(flink.running())
            .extracting(job -> job.getJobName())
            .containsExactly("live", "shop: bootstrap spend@" + after);
      }
    }
  }

  private void define(Path project, String limit, String windows) throws IOException {
    Files.createDirectories(project);
    Files.writeString(project.resolve("payment.avsc"), SCHEMA);
    Files.writeString(project.resolve("shop.yaml"), DEFINITIONS.formatted(limit, windows));
    Files.writeString(
        project.resolve(EnvironmentConfig.FILE_NAME),
        "flink: {parallelism: 1, checkpoint_interval: 300ms}\n");
  }

  private static String version(Path project) {
    return LoadedProject.load(project).plan().views().get(0).version();
  }

  private LocalStack start(Path project) throws IOException {
    TailwaterHome home = new TailwaterHome(directory);
    return LocalStack.start(
        home,
        home.stack(),
        project,
        home.models(),
        EnvironmentConfig.load(project, null, Map.of()),
        new Console(System.out, System.out, false));
  }

  private void startLive(LocalStack stack, Path project) throws Exception {
    ProjectJobs jobs =
        new ProjectJobs(
            LoadedProject.load(project),
            stack.log(),
            stack.redis(),
            Lake.local(stack.lakeDirectory()),
            ModelRepository.open(directory.resolve("models")));
    assertThat(jobs.ensureTopics(2)).isEmpty();
    send(stack.log());
    StreamExecutionEnvironment live = stack.environment();
    jobs.buildLive(live, Map.of(), 0);
    var unused = live.executeAsync("live");
    long deadline = System.nanoTime() + Duration.ofMinutes(2).toNanos();
    while (get(project).code() != Main.OK) {
      assertThat(System.nanoTime()).as("the first row").isLessThan(deadline);
      LockSupport.parkNanos(Duration.ofMillis(100).toNanos());
    }
  }

  private static void send(KafkaLog log) throws Exception {
    List<Future<RecordMetadata>> sends = new ArrayList<>();
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(
            log.producerProperties(), new ByteArraySerializer(), new ByteArraySerializer())) {
      for (int payment = 0; payment < PAYMENTS; payment++) {
        String customer = "c" + payment % 20;
        String json =
            "{\"payment_id\":\"%d\",\"paid_at\":%d,\"customer_id\":\"%s\",\"amount\":%d}"
                .formatted(payment, START + payment * 60_000L, customer, 1 + payment % 10);
        sends.add(
            producer.send(
                new ProducerRecord<>(
                    "payments",
                    customer.getBytes(StandardCharsets.UTF_8),
                    json.getBytes(StandardCharsets.UTF_8))));
      }
    }
    for (Future<RecordMetadata> send : sends) {
      var unused = send.get(); // Its failure is the test's.
    }
  }

  private Outcome get(Path project) {
    return run("get", project.toString(), "spend", "customer_id=c7");
  }

  private Outcome run(String... arguments) {
    return Outcome.of(directory, (Object[]) arguments);
  }
}

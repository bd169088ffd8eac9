package dev.tailwater.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.connectors.iceberg.RawEnd;
import dev.tailwater.connectors.kafka.DeadLetter;
import dev.tailwater.connectors.kafka.OutgoingRecord;
import dev.tailwater.connectors.store.FeatureRow;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.StreamPlan;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.apache.flink.api.common.JobExecutionResult;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.CloseableIterator;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The lake remembers what the log forgets: no run can tell from which of them a record came. */
class HistoryIT {

  private static HistorySystem system;

  @BeforeAll
  static void start(@TempDir Path folder) throws Exception {
    system = HistorySystem.start(folder);
  }

  @AfterAll
  static void stop() throws Exception {
    system.close();
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2})
  void aBoundedRunReadsTheSameFromLakeAndLog(long seed) throws Exception {
    Random random = new Random(seed);
    Lake lake = system.begin("bounded-" + seed);
    system.pay(300 + random.nextInt(600), random);
    system.archive(lake);
    system.pay(300 + random.nextInt(600), random);
    system.archive(lake);
    system.pay(300 + random.nextInt(600), random);

    BoundedSources log =
        new BoundedSources(Optional.of(system.log()), Map.of()).pinned(system.plan());
    BoundedSources both =
        new BoundedSources(Optional.of(system.log()), Optional.of(lake), Map.of());
    List<String> expected = run(log, true);

    assertThat(run(both.pinned(system.plan()), true)).isEqualTo(expected);
    assertThat(codes(expected))
        .contains("UNDECODABLE", "MISSING_EVENT_TIME", "FUTURE", "LATE", "CONFLICT");

    assertThat(newestRows(run(both, false))).isEqualTo(newestRows(expected));
    assertReplays(lake, both, expected);
  }

  /**
   * The rows of a piece of history are those that all of history has there, in a new generation.
   */
  private static void assertReplays(Lake lake, BoundedSources history, List<String> expected)
      throws Exception {
    List<Long> instants =
        newestRows(expected).keySet().stream().map(HistoryIT::validFrom).sorted().toList();
    long from = instants.get(instants.size() / 3);
    long to = instants.get(2 * instants.size() / 3);
    assertThat(replay(lake, history, Long.MIN_VALUE, to)).isZero();
    assertThat(replay(lake, history, from, to)).isEqualTo(1);

    List<String> replayed = new ArrayList<>();
    try (CloseableIterable<Record> rows = lake.readFeatures("spend")) {
      for (Record row : rows) {
        if ((Long) row.getField("generation") == 1) {
          replayed.add(
              "%s@%d [%s, %s]"
                  .formatted(
                      row.getField("card_id"),
                      ((OffsetDateTime) row.getField("valid_from")).toInstant().toEpochMilli(),
                      row.getField("count"),
                      row.getField("sum")));
        }
      }
    }
    List<String> wanted = new ArrayList<>();
    newestRows(expected)
        .forEach(
            (place, line) -> {
              if (validFrom(place) >= from && validFrom(place) < to) {
                wanted.add(
                    place.substring("row ".length()) + line.substring(1, line.indexOf(']') + 1));
              }
            });
    assertThat(replayed).isNotEmpty().containsExactlyInAnyOrderElementsOf(wanted);
  }

  private static long replay(Lake lake, BoundedSources history, long from, long to)
      throws Exception {
    StreamExecutionEnvironment env = system.environment();
    long generation =
        ReplayJob.build(
            env, system.plan(), new ReplayJob.Config(lake, new int[] {0}, history, from, to));
    JobExecutionResult result = env.execute("replay");
    assertThat((Long) result.getAccumulatorResult(ReplayJob.ROWS_WRITTEN)).isPositive();
    return generation;
  }

  private static long validFrom(String place) {
    return Long.parseLong(place.substring(place.indexOf('@') + 1));
  }

  @Test
  void everyRecordIsArchivedOnceWhateverTheJobIsStartedFrom() throws Exception {
    Random random = new Random(3);
    Lake lake = system.begin("archive");
    system.pay(400, random);
    JobClient first = system.startArchive(lake, "");
    system.awaitArchived(lake, first);
    system.killTaskManager();
    system.pay(400, random);
    system.awaitArchived(lake, first);
    String savepoint = system.savepoint(first);
    system.pay(400, random);
    system.awaitArchived(lake, first);
    system.cancel(first);

    system.pay(200, random);
    system.archive(lake); // A new job, which knows nothing.
    system.pay(200, random);
    JobClient older = system.startArchive(lake, savepoint); // Has seen less than the table holds.
    system.awaitArchived(lake, older);
    system.cancel(older);

    Map<String, String> archived = new TreeMap<>();
    try (CloseableIterable<Record> rows = lake.readRaw("payments")) {
      for (Record row : rows) {
        assertThat(
                archived.put(place(row.getField("partition"), row.getField("offset")), text(row)))
            .isNull();
      }
    }
    Map<String, String> written = new TreeMap<>();
    system.read().forEach(r -> written.put(place(r.partition(), r.offset()), text(r)));
    assertThat(archived).isEqualTo(written).hasSize(1_600);
    BoundedSources log = new BoundedSources(Optional.of(system.log()), Map.of());
    BoundedSources alone = new BoundedSources(Optional.empty(), Optional.of(lake), Map.of());
    assertThat(run(alone, true)).isEqualTo(run(log, true));
  }

  @Test
  void theLogMayForgetWhatTheLakeHoldsAndNothingElse() throws Exception {
    Random random = new Random(4);
    Lake lake = system.begin("forgotten");
    system.pay(500, random);
    system.archive(lake);
    Map<Integer, Long> archived = HistorySystem.archived(lake);
    system.pay(300, random);
    BoundedSources both =
        new BoundedSources(Optional.of(system.log()), Optional.of(lake), Map.of());
    BoundedSources pinned = both.pinned(system.plan());
    List<String> expected = run(new BoundedSources(Optional.of(system.log()), Map.of()), true);

    system.forget(archived);
    assertThat(run(both, true)).isEqualTo(expected);

    long next = archived.getOrDefault(1, 0L);
    system.forget(Map.of(1, next + 2));
    assertThatThrownBy(() -> both.of(system.plan().streams().get(0)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("stream payments, partition 1")
        .hasMessageContaining("ends before offset " + next)
        .hasMessageContaining("begins at offset " + (next + 2));
    assertThatThrownBy(() -> system.startArchive(lake, ""))
        .hasMessageContaining("ends before offset " + next);
    assertThatThrownBy(
            () ->
                new LiveSources(system.log(), Optional.of(lake)).of(system.plan().streams().get(0)))
        .hasMessageContaining("ends before offset " + next);

    // What the lake holds alone is still there, under its exact name.
    HistoryEnds ends = HistoryEnds.parse(new HistoryEnds(Map.of("payments", archived)).toString());
    assertThat(run(both.upTo(ends), true)).hasSizeLessThan(expected.size()).isNotEmpty();
    assertThat(pinned.ends().orElseThrow().of("payments")).isEqualTo(system.ends());
  }

  @Test
  void aStreamThatWasRenamedDoesNotLoseItsHistory() throws Exception {
    Lake lake = system.begin("renamed");
    system.pay(50, new Random(5));
    system.archive(lake);
    Plan renamed = CardPlan.on("purchases", system.topic());
    StreamPlan purchases = renamed.streams().get(0);
    String told = "whose history is in table raw.payments";

    assertThatThrownBy(
            () ->
                new BoundedSources(Optional.of(system.log()), Optional.of(lake), Map.of())
                    .of(purchases))
        .hasMessageContaining(told);
    assertThatThrownBy(() -> new LiveSources(system.log(), Optional.of(lake)).of(purchases))
        .hasMessageContaining(told);
    assertThatThrownBy(
            () ->
                ArchiveJob.build(
                    StreamExecutionEnvironment.createLocalEnvironment(),
                    renamed,
                    new ArchiveJob.Config(system.log(), lake, Duration.ofHours(1))))
        .hasMessageContaining(told)
        .hasMessageContaining("Call the stream payments");
  }

  @Test
  void aJobWithoutAnEndGoesFromTheLakeToTheLogThroughFailures() throws Exception {
    Random random = new Random(5);
    Lake lake = system.begin("live");
    system.pay(900, random);
    system.archive(lake);
    Map<Integer, Long> archived = HistorySystem.archived(lake);
    system.forget(archived);
    StreamExecutionEnvironment env = system.environment();
    LiveSources sources = new LiveSources(system.log(), Optional.of(lake));
    FeatureGraph graph =
        FeatureGraph.build(
            JobSettings.streaming(env),
            system.plan(),
            stream -> PacedSource.of(sources.of(system.plan().streams().get(stream)), 100),
            new FeatureGraph.Options(List.of(), true, 0, Set.of()));
    DataStream<String> lines =
        graph
            .featureRows()
            .values()
            .iterator()
            .next()
            .map(HistoryIT::row)
            .returns(Types.STRING)
            .uid("lines");
    CloseableIterator<String> results = lines.collectAsync();
    JobClient job = env.executeAsync("live");
    Queue<String> found = new ConcurrentLinkedQueue<>();
    CompletableFuture<Void> reader =
        CompletableFuture.runAsync(() -> results.forEachRemaining(found::add));

    system.await(job, () -> found.size() > 100);
    system.killTaskManager();
    system.await(job, () -> found.size() > 400);
    system.killTaskManager();
    BoundedSources both =
        new BoundedSources(Optional.of(system.log()), Optional.of(lake), Map.of());
    // Nothing follows in the log: the clock stands where the lake's records have brought it.
    long first = clock(lake);
    Map<String, String> quiet = rowsUntil(first, run(both, true));
    awaitRows(job, found, first, quiet);
    system.pay(300, random);
    system.archive(lake);
    long second = clock(lake);
    Map<String, String> later = rowsUntil(second, run(both, true));
    awaitRows(job, found, second, later);
    assertThat(later).hasSizeGreaterThan(quiet.size());
    system.cancel(job);
    assertThat(reader).failsWithin(Duration.ofMinutes(1)); // There is nothing more to read.
  }

  /**
   * The watermark of a job that has read everything. It may go on to that of a partition that is
   * further ahead, once the others have been silent for a while.
   */
  private static long clock(Lake lake) {
    long newest =
        lake.rawEnd("payments").orElseThrow().partitions().values().stream()
            .mapToLong(RawEnd.PartitionEnd::newestEventTime)
            .min()
            .orElseThrow();
    return newest - system.plan().streams().get(0).disorderMs() - 1;
  }

  private static void awaitRows(
      JobClient job, Queue<String> found, long until, Map<String, String> expected) {
    system.await(
        job,
        () -> rowsUntil(until, found).equals(expected),
        () -> {
          Map<String, String> rows = rowsUntil(until, found);
          List<String> missing = new ArrayList<>();
          expected.forEach(
              (place, row) -> {
                if (!row.equals(rows.get(place))) {
                  missing.add(place + row + ", but " + rows.get(place));
                }
              });
          List<String> more = new ArrayList<>(rows.keySet());
          more.removeAll(expected.keySet());
          return "%d of %d rows differ: %s; %d more: %s"
              .formatted(
                  missing.size(),
                  expected.size(),
                  missing.subList(0, Math.min(5, missing.size())),
                  more.size(),
                  more.subList(0, Math.min(5, more.size())));
        });
  }

  private static Map<String, String> rowsUntil(long instant, Collection<String> lines) {
    Map<String, String> rows = newestRows(lines);
    rows.keySet().removeIf(row -> validFrom(row) > instant);
    return rows;
  }

  private static String place(Object partition, Object offset) {
    return partition + "/" + offset;
  }

  private static String text(Record row) {
    StringBuilder headers = new StringBuilder();
    for (Object header : (List<?>) row.getField("headers")) {
      Record pair = (Record) header;
      headers.append(pair.getField("name")).append('=').append(hex(pair.getField("value")));
    }
    return "%s %s %s %s %d"
        .formatted(
            row.getField("topic"),
            hex(row.getField("key")),
            hex(row.getField("value")),
            headers,
            ((OffsetDateTime) row.getField("append_time")).toInstant().toEpochMilli());
  }

  private static String text(ConsumerRecord<byte[], byte[]> record) {
    StringBuilder headers = new StringBuilder();
    record.headers().forEach(h -> headers.append(h.key()).append('=').append(hex(h.value())));
    return "%s %s %s %s %d"
        .formatted(
            record.topic(), hex(record.key()), hex(record.value()), headers, record.timestamp());
  }

  private static String hex(@Nullable Object bytes) {
    if (bytes instanceof ByteBuffer buffer) {
      byte[] copy = new byte[buffer.remaining()];
      buffer.duplicate().get(copy);
      return HexFormat.of().formatHex(copy);
    }
    return bytes == null ? "null" : HexFormat.of().formatHex((byte[]) bytes);
  }

  private static List<String> run(BoundedSources sources, boolean batch) throws Exception {
    StreamExecutionEnvironment env = system.environment();
    FeatureGraph graph =
        FeatureGraph.build(
            batch ? JobSettings.bounded(env) : JobSettings.streaming(env),
            system.plan(),
            stream -> sources.of(system.plan().streams().get(stream)),
            new FeatureGraph.Options(List.of(Ask.always(0, 0)), true, 0, Set.of()));
    DataStream<String> lines =
        graph.answers().map(HistoryIT::answer).returns(Types.STRING).uid("answers");
    for (DataStream<FeatureRow> rows : graph.featureRows().values()) {
      lines = lines.union(rows.map(HistoryIT::row).returns(Types.STRING));
    }
    for (DataStream<OutgoingRecord> letters : graph.deadLetters()) {
      lines = lines.union(letters.map(HistoryIT::letter).returns(Types.STRING));
    }
    List<String> found = new ArrayList<>();
    try (CloseableIterator<String> results = lines.executeAndCollect()) {
      results.forEachRemaining(found::add);
    }
    found.sort(Comparator.naturalOrder());
    return found;
  }

  private static String answer(Envelope question) {
    return "answer %d/%d %s %s"
        .formatted(
            question.partition,
            question.offset,
            Arrays.toString(question.values),
            Arrays.deepToString(question.answers));
  }

  private static String row(FeatureRow row) {
    return "row %s@%d#%05d: %s until %d, cause %d/%d %s"
        .formatted(
            row.key(),
            row.validFrom(),
            row.revision(),
            Arrays.toString(row.values()),
            row.validUntil(),
            row.partition(),
            row.offset(),
            row.offline() ? "final" : "");
  }

  private static String letter(OutgoingRecord letter) {
    return "letter %s/%s %s %s %s"
        .formatted(
            letter.headers().get(DeadLetter.PARTITION_HEADER),
            letter.headers().get(DeadLetter.OFFSET_HEADER),
            letter.headers().get(DeadLetter.CODE_HEADER),
            letter.headers().get(DeadLetter.REASON_HEADER),
            new String(letter.value(), StandardCharsets.ISO_8859_1));
  }

  private static Set<String> codes(List<String> lines) {
    return Set.copyOf(
        lines.stream()
            .filter(line -> line.startsWith("letter "))
            .map(line -> line.split(" ", -1)[2])
            .distinct()
            .toList());
  }

  /** The final row of each card and instant, by its last revision. */
  private static Map<String, String> newestRows(Collection<String> lines) {
    Map<String, String> newest = new TreeMap<>();
    for (String line : lines) {
      if (line.startsWith("row ") && line.endsWith(" final")) {
        int revision = line.indexOf('#');
        // The revision has leading zeros: the greatest text is the last one.
        newest.merge(
            line.substring(0, revision),
            line.substring(revision),
            (a, b) -> a.compareTo(b) > 0 ? a : b);
      }
    }
    newest.replaceAll((place, line) -> line.substring(line.indexOf(':')));
    return newest;
  }
}

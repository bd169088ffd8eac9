package dev.tailwater.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.connectors.kafka.DeadLetter;
import dev.tailwater.connectors.kafka.OutgoingRecord;
import dev.tailwater.connectors.store.FeatureRow;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.CloseableIterator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
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
    Map<Integer, Long> archived = HistorySystem.archived(lake);
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
  private static Map<String, String> newestRows(List<String> lines) {
    Map<String, String> newest = new TreeMap<>();
    for (String line : lines) {
      if (line.startsWith("row ") && line.endsWith(" final")) {
        int revision = line.indexOf('#');
        newest.put(line.substring(0, revision), line.substring(line.indexOf(':', revision)));
      }
    }
    return newest;
  }
}

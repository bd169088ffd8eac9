package dev.tailwater.definitions;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class FeatureHashesTest {

  private static final String TEXT =
      String.join(
          "---\n",
          ProjectFolder.STREAM,
          ProjectFolder.ENTITY,
          ProjectFolder.VIEW.replace("avg: tx_amount", "avg: night_amount"),
          ProjectFolder.MODEL);

  private final Path before;
  private final Path after;

  FeatureHashesTest(@TempDir Path before, @TempDir Path after) {
    this.before = before;
    this.after = after;
  }

  private FeatureHashes hashesOf(Path folder, String file, String text) {
    return FeatureHashes.of(new ProjectFolder(folder).write(file, text).load());
  }

  private FeatureHashes before() {
    return hashesOf(before, "project.yaml", TEXT);
  }

  @Test
  void filesOrderAndCommentsMeanNothing() {
    String[] documents = TEXT.split("---\n", -1);
    ProjectFolder project = new ProjectFolder(after);
    for (int i = 0; i < documents.length; i++) {
      project.write("d" + (9 - i) + ".yaml", "# A comment.\n" + documents[i]);
    }

    assertThat(FeatureHashes.of(project.load())).isEqualTo(before());
  }

  static Stream<Arguments> sameMeaning() {
    return Stream.of(
        arguments("  tx_count: {count: \"*\", over: [1d, 7d]}\n", ""),
        arguments("over: [1d, 7d]", "over: [7d, 1d]"),
        arguments("over: 7d,", "over: 168h,"),
        arguments("where: country = 'DE'", "where: \"country  =  'DE' -- home\""),
        arguments("where: country = 'DE'", "where: country='DE'"),
        arguments("EXTRACT(HOUR FROM tx_time) <= 6", "EXTRACT(HOUR  FROM tx_time)\n    <= 6"),
        arguments("EXTRACT(HOUR FROM tx_time) <= 6", "extract (HOUR from tx_time)<=6"),
        arguments("event_id: tx_id", "event_id: tx_id\nlateness: 2h\ndisorder: 1m\nkey: country"),
        arguments("  is_night:", "  unused: tx_amount * 2\n  is_night:"),
        arguments("expect:\n", "expect:\n  watched: {that: tx_amount < 9, else: warn}\n"),
        arguments("name: transactions\n", "name: transactions\ntopic: transactions\n"),
        arguments("over: 7d,", "over: 7d, self: include, bounds: \"(]\", empty: null,"),
        arguments("from: transactions", "from: transactions\nrefresh: never"),
        arguments("from: transactions", "from: transactions\nknowledge: as_happened"),
        arguments("fallback: 0.5", "fallback: 0.25\ndeadline: 10ms\nto: elsewhere"));
  }

  @ParameterizedTest(name = "{index} {1}")
  @MethodSource("sameMeaning")
  void whatMeansTheSameHasTheSameHash(String from, String to) {
    assertThat(TEXT).contains(from);
    // Features are removed and put back at the end: the order of keys.
    String text =
        to.isEmpty()
            ? TEXT.replace(from, "").replace("= 'DE'}\n", "= 'DE'}\n" + from)
            : TEXT.replace(from, to);

    assertThat(hashesOf(after, "project.yaml", text)).isEqualTo(before());
  }

  static Stream<Arguments> otherMeaning() {
    return Stream.of(
        arguments("over: 7d,", "over: 8d,"),
        arguments("over: 7d,", "over: 7d, delay: 1d,"),
        arguments("over: 7d,", "over: 7d, empty: 0,"),
        arguments("avg: night_amount", "sum: night_amount"),
        arguments("avg: night_amount", "avg: tx_amount"),
        arguments("country = 'DE'", "country = 'FR'"),
        arguments("<= 6", "<= 7"),
        arguments("THEN tx_amount END", "THEN tx_amount + 1 END"),
        arguments("that: tx_amount >= 0", "that: tx_amount >= 1"),
        arguments("else: drop", "else: warn"),
        arguments("over: 7d,", "over: 7d, resolution: 1d,"),
        arguments("over: 7d,", "over: 7d, bounds: \"[]\","),
        arguments("over: 7d,", "over: last 7 events,"),
        arguments("over: 7d,", "over: lifetime,"),
        arguments("over: 7d,", "over: this week,"),
        arguments("over: 7d,", "over: previous 1 week,"),
        arguments("over: 7d,", "over: session, gap: 7d,"),
        arguments("over: 7d,", "over: 7d, self: exclude,"),
        arguments("from: transactions", "from: transactions\nknowledge: as_known"),
        arguments("avg: night_amount", "avg: night_amount * 2"),
        arguments("avg: night_amount", "lag: night_amount, n: 2"),
        arguments("avg: night_amount", "quantile: night_amount, q: 0.25"),
        arguments("avg: night_amount", "decay: night_amount, half_life: 1h"),
        arguments("avg: night_amount", "ratio: night_amount, to: tx_amount"),
        arguments("avg: night_amount", "argmax: night_amount, of: tx_amount"),
        arguments("event_id: tx_id", "event_id: country"),
        arguments("name: transactions\n", "name: transactions\ntopic: other\n"));
  }

  @ParameterizedTest(name = "{index} {1}")
  @MethodSource("otherMeaning")
  void whatMeansSomethingElseHasAnotherHash(String from, String to) {
    // Labels need the event id to be theirs; they are no part of any hash.
    String text = TEXT.replaceAll("labels:.*\n", "");
    assertThat(text).contains(from);

    FeatureHashes changed = hashesOf(after, "project.yaml", text.replace(from, to));

    String feature = "customer_spend.amount_avg";
    assertThat(changed.features().get(feature)).isNotEqualTo(before().features().get(feature));
    assertThat(changed.viewVersion("customer_spend"))
        .isNotEqualTo(before().viewVersion("customer_spend"));
    assertThat(changed.modelVersion("fraud")).isNotEqualTo(before().modelVersion("fraud"));
  }

  @Test
  void whatTheNumbersOfAChangelogCountIsPartOfItsMeaning() {
    assertThat(inMicroseconds(after.resolve("changes"), "format: debezium-json"))
        .isNotEqualTo(inMilliseconds(before.resolve("changes"), "format: debezium-json"));
    assertThat(inMicroseconds(after.resolve("json"), "format: json"))
        .as("numbers of JSON always count milliseconds")
        .isEqualTo(inMilliseconds(before.resolve("json"), "format: json"));
  }

  private static String inMilliseconds(Path folder, String format) {
    return version(folder, format, "timestamp-millis");
  }

  private static String inMicroseconds(Path folder, String format) {
    return version(folder, format, "timestamp-micros");
  }

  private static String version(Path folder, String format, String unit) {
    String stream = ProjectFolder.STREAM.replace("schema:", format + "\nschema:");
    ProjectFolder project = new ProjectFolder(folder);
    project.write("transaction.avsc", ProjectFolder.CONTRACT.replace("timestamp-millis", unit));
    project.write(
        "project.yaml", String.join("---\n", stream, ProjectFolder.ENTITY, ProjectFolder.VIEW));
    return FeatureHashes.of(project.load()).viewVersion("customer_spend");
  }

  @Test
  void aFeatureKeepsItsHashWhenItsNeighbourChanges() {
    FeatureHashes changed =
        hashesOf(after, "project.yaml", TEXT.replace("country = 'DE'", "country = 'FR'"));

    assertThat(changed.features().get("customer_spend.tx_count_7d"))
        .isEqualTo(before().features().get("customer_spend.tx_count_7d"));
  }

  @Test
  void anArgumentIsPartOfTheMeaning() {
    assertThat(
            Stream.of(
                    "lag: tx_amount, n: 2",
                    "lag: tx_amount, n: 3",
                    "decay: tx_amount, half_life: 1h",
                    "decay: tx_amount, half_life: 2h",
                    "sum: tx_amount, by: country",
                    "sum: tx_amount, by: country, max_keys: 99",
                    "sum: tx_amount, by: tx_id",
                    "ratio: tx_amount, to: night_amount",
                    "ratio: tx_amount, to: tx_amount")
                .map(argument -> hashOf(argument)))
        .doesNotHaveDuplicates();
    assertThat(hashOf("median: tx_amount")).isEqualTo(hashOf("quantile: tx_amount, q: 0.5"));
    assertThat(hashOf("histogram: country")).isEqualTo(hashOf("count: \"*\", by: country"));
  }

  private String hashOf(String aggregate) {
    String text =
        TEXT.replace("avg: night_amount", aggregate).replaceAll("(?s)---\nkind: model.*", "");
    return String.valueOf(
        hashesOf(after, "project.yaml", text).features().get("customer_spend.amount_avg"));
  }

  @Test
  void aChainMeansWhatItsBaseMeans() {
    String chain =
        """
        ---
        kind: feature-view
        name: above
        entity: customer
        from: customer_spend
        features: {n: {count: "*", over: 1d, where: tx_amount > amount_avg}}
        """;
    String text = TEXT.replace("event_id: tx_id", "event_id: tx_id\nlateness: 0s") + chain;
    FeatureHashes known = hashesOf(before, "project.yaml", text);

    FeatureHashes other = hashesOf(after, "project.yaml", text.replace("<= 6", "<= 5"));
    assertThat(other.views().get("above")).isNotEqualTo(known.views().get("above"));
    FeatureHashes neighbour =
        hashesOf(after, "project.yaml", text.replace("over: [1d, 7d]", "over: [2d, 7d]"));
    assertThat(neighbour.views().get("above")).isEqualTo(known.views().get("above"));
  }

  @Test
  void theOrderOfInputsIsPartOfAModel() {
    FeatureHashes changed =
        hashesOf(
            after,
            "project.yaml",
            TEXT.replace("[tx_amount, customer_spend.*,", "[customer_spend.*, tx_amount,"));

    assertThat(changed.views()).isEqualTo(before().views());
    assertThat(changed.models()).isNotEqualTo(before().models());
  }

  @Test
  void aVersionIsTheBeginningOfTheHash() {
    assertThat(before().viewVersion("customer_spend")).matches("[0-9a-f]{12}");
    assertThat(before().views().get("customer_spend"))
        .hasSize(64)
        .startsWith(before().viewVersion("customer_spend"));
  }
}

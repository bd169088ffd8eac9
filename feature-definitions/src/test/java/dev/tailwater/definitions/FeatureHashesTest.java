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
        arguments("EXTRACT(HOUR FROM tx_time) <= 6", "EXTRACT(HOUR  FROM tx_time)\n    <= 6"),
        arguments("event_id: tx_id", "event_id: tx_id\nlateness: 2h\ndisorder: 1m\nkey: country"),
        arguments("  is_night:", "  unused: tx_amount * 2\n  is_night:"),
        arguments("expect:\n", "expect:\n  watched: {that: tx_amount < 9, else: warn}\n"),
        arguments("name: transactions\n", "name: transactions\ntopic: transactions\n"),
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
  void aFeatureKeepsItsHashWhenItsNeighbourChanges() {
    FeatureHashes changed =
        hashesOf(after, "project.yaml", TEXT.replace("country = 'DE'", "country = 'FR'"));

    assertThat(changed.features().get("customer_spend.tx_count_7d"))
        .isEqualTo(before().features().get("customer_spend.tx_count_7d"));
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

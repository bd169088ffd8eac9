package dev.tailwater.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tailwater.kernel.Aggregate;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What the conformance suite consists of. {@link ConformanceIT} runs it. */
class ConformanceSuiteTest {

  private static final List<String> SUGAR =
      List.of("median", "histogram", "share", "any", "all", "by");
  private static final List<String> WINDOWS =
      List.of(
          "\\d+(ms|s|m|h|d)",
          "last \\d+ events",
          "lifetime",
          "this day",
          "this week",
          "this month",
          "previous( \\d+)? days?",
          "previous( \\d+)? weeks?",
          "previous( \\d+)? months?",
          "session");

  @Test
  void hasAtLeastThreeHundredCasesEachWithANameOfItsOwn() throws IOException {
    int cases = 0;
    for (Path file : ConformanceCase.files()) {
      Set<String> names = new HashSet<>();
      for (ConformanceCase one : ConformanceCase.read(file)) {
        assertThat(names.add(one.name())).as(file + ": " + one.name()).isTrue();
        assertThat(one.questions()).as(file + ": " + one.name()).isNotEmpty();
        cases++;
      }
    }
    assertThat(cases).isGreaterThanOrEqualTo(300);
  }

  @Test
  void hasEveryAggregateAndEveryKindOfWindow() throws IOException {
    List<Map<String, @Nullable Object>> features = new ArrayList<>();
    for (Path file : ConformanceCase.files()) {
      ConformanceCase.read(file).forEach(one -> features.addAll(featuresOf(one)));
    }
    assertThat(keys(features)).containsAll(aggregates()).containsAll(SUGAR);
    Set<String> windows = new TreeSet<>();
    features.forEach(
        feature -> {
          if (feature.get("over") instanceof List<?> list) {
            list.forEach(window -> windows.add(String.valueOf(window)));
          } else {
            windows.add(String.valueOf(feature.get("over")));
          }
        });
    for (String window : WINDOWS) {
      assertThat(windows).anyMatch(text -> text.matches(window));
    }
  }

  @Test
  void theTableOfTheDocumentHasEveryAggregate() throws IOException {
    assertThat(keys(featuresOf(SemanticsTable.read()))).containsAll(aggregates());
  }

  @Test
  void theReadmeListsEveryFile() throws IOException {
    String readme = Files.readString(Path.of("../conformance/README.md"));
    for (Path file : ConformanceCase.files()) {
      assertThat(readme).contains("(cases/" + file.getFileName() + ")");
    }
  }

  private static List<String> aggregates() {
    return Arrays.stream(Aggregate.values())
        .map(aggregate -> aggregate.name().toLowerCase(Locale.ROOT))
        .toList();
  }

  private static Set<String> keys(List<Map<String, @Nullable Object>> features) {
    Set<String> keys = new TreeSet<>();
    features.forEach(feature -> keys.addAll(feature.keySet()));
    return keys;
  }

  private static List<Map<String, @Nullable Object>> featuresOf(ConformanceCase one) {
    List<Map<String, @Nullable Object>> features = new ArrayList<>();
    for (Map<String, @Nullable Object> view : one.documents("feature-view")) {
      ConformanceCase.map(view.get("features"))
          .values()
          .forEach(feature -> features.add(ConformanceCase.map(feature)));
    }
    return features;
  }
}

package dev.tailwater.definitions;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class DefinitionsDocumentTest {

  private final String document;

  DefinitionsDocumentTest() throws IOException {
    this.document = Files.readString(Path.of("../docs/definitions.md"));
  }

  @Test
  void explainsEveryKey() {
    Map<String, Set<String>> sections = new LinkedHashMap<>(Grammar.documents());
    sections.put("feature", Grammar.FEATURE);

    sections.forEach(
        (section, keys) ->
            assertThat(keys)
                .as(section)
                .allMatch(key -> key.equals(Grammar.KIND) || document.contains("`" + key + "`")));
  }

  @Test
  void namesTheLimits() {
    assertThat(document)
        .contains("at most " + FeatureViewReader.MAX_COLUMNS + " columns")
        .contains(FeatureViewReader.MAX_FILTERS + " different conditions")
        .contains(FeatureViewReader.MAX_SOURCES + " sources of a view")
        .contains("`k` and `n` are 1 to %,d".formatted(FeatureReader.MAX_ELEMENTS))
        .contains("up to %,d)".formatted(FeatureReader.MAX_KEYS))
        .contains("(up to %,d)".formatted(WindowReader.MAX_EVENTS));
  }
}

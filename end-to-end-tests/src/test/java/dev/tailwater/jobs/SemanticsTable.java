package dev.tailwater.jobs;

import dev.tailwater.jobs.ConformanceCase.Question;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/** The table of {@code docs/semantics.md}: every aggregate, by example. */
final class SemanticsTable {

  private static final Path DOCUMENT = Path.of("../docs/semantics.md");
  private static final String HEADER = "| feature |";
  private static final String BLOCK = "```json\n";

  private SemanticsTable() {}

  /** The table as a case: a feature for each row, a question for each column. */
  static ConformanceCase read() throws IOException {
    String text = Files.readString(DOCUMENT);
    List<String> lines = text.substring(text.indexOf(HEADER)).lines().toList();
    List<String> header = cells(lines.get(0));
    Map<String, @Nullable Object> features = new LinkedHashMap<>();
    List<Map<String, @Nullable Object>> expected = new ArrayList<>();
    header.subList(1, header.size()).forEach(column -> expected.add(new LinkedHashMap<>()));
    for (String line : lines.subList(2, lines.size())) {
      if (!line.startsWith("|")) {
        break;
      }
      List<String> cells = cells(line);
      Map<String, @Nullable Object> feature = new LinkedHashMap<>();
      feature.putAll(ConformanceCase.map(yaml("{" + cells.get(0).replace("`", "") + "}")));
      feature.put("over", "1h");
      if (!feature.containsKey("rate")) {
        feature.put("resolution", "10m");
      }
      String name = "feature_" + features.size();
      features.put(name, feature);
      for (int i = 0; i < expected.size(); i++) {
        String cell = cells.get(i + 1);
        expected.get(i).put(name, cell.equals("NULL") ? null : yaml(cell));
      }
    }
    int block = text.indexOf(BLOCK) + BLOCK.length();
    Map<String, @Nullable Object> log =
        ConformanceCase.map(yaml(text.substring(block, text.indexOf("```", block))));
    List<Map<String, @Nullable Object>> definition = ConformanceCase.maps(log.get("definition"));
    definition.get(definition.size() - 1).put("features", features);
    List<Question> questions = new ArrayList<>();
    for (int i = 0; i < expected.size(); i++) {
      Map<String, @Nullable Object> asked = new LinkedHashMap<>();
      asked.put("who", header.get(i + 1));
      questions.add(new Question(asked, "10:55", expected.get(i), ConformanceCase.Refusal.NEVER));
    }
    return new ConformanceCase(
        "the table of docs/semantics.md",
        definition,
        ConformanceCase.maps(log.get("events")),
        questions,
        false,
        Optional.empty(),
        new TreeSet<>());
  }

  private static @Nullable Object yaml(String text) {
    return new Load(LoadSettings.builder().build()).loadFromString(text);
  }

  private static List<String> cells(String line) {
    return List.of(line.substring(1, line.length() - 1).trim().split(" *\\| *", -1));
  }
}

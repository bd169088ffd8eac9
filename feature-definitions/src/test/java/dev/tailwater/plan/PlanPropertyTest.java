package dev.tailwater.plan;

import dev.tailwater.definitions.ProjectLoader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class PlanPropertyTest {

  private static final List<String> WINDOWS =
      List.of(
          "over: 1d",
          "over: [1h, 7d]",
          "over: [30d, lifetime], resolution: 1d",
          "over: last 5 events",
          "over: previous 2 weeks",
          "over: session, gap: 1h",
          "over: lifetime, delay: 1h");

  private static final List<String> AGGREGATES =
      List.of(
          "count: \"*\"",
          "sum: amount",
          "max: amount * 2",
          "last: place",
          "count: \"*\", by: place",
          "last_k: amount, k: 3",
          "ratio: amount, to: amount * 2");

  private final Path folder;

  PlanPropertyTest(@TempDir Path folder) throws IOException {
    this.folder = folder;
    Files.writeString(
        folder.resolve("s.avsc"),
        """
        {"type": "record", "name": "S", "fields": [
          {"name": "id", "type": "string"},
          {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
          {"name": "a", "type": "string"},
          {"name": "b", "type": "string"},
          {"name": "amount", "type": "double"},
          {"name": "place", "type": "string"}]}
        """);
  }

  static LongStream seeds() {
    return LongStream.range(0, 40);
  }

  @ParameterizedTest
  @MethodSource("seeds")
  void everyProjectKeepsThePromisesOfAPlan(long seed) throws IOException {
    Random random = new Random(seed);
    StringBuilder text = new StringBuilder();
    for (String stream : List.of("s", "t")) {
      text.append(
          "{kind: stream, name: %s, schema: s.avsc, event_time: at, event_id: id, lateness: 0s}\n---\n"
              .formatted(stream));
    }
    text.append("{kind: entity, name: a, key: {a: string}}\n---\n");
    text.append("{kind: entity, name: b, key: {b: string}}\n");
    int views = 1 + random.nextInt(6);
    StringBuilder vector = new StringBuilder("amount");
    for (int v = 0; v < views; v++) {
      int base = random.nextInt(views);
      boolean isChain = base < v && random.nextBoolean();
      boolean isUnion = !isChain && random.nextInt(3) == 0;
      String from =
          isChain
              ? "v" + base
              : isUnion
                  ? "[{stream: s, map: {amount: amount, place: place}},"
                      + " {stream: t, map: {amount: -amount, place: a}}]"
                  : random.nextBoolean() ? "s" : "t";
      text.append("---\nkind: feature-view\nname: v%d\nfrom: %s\n".formatted(v, from));
      text.append("entity: %s\n".formatted(random.nextBoolean() ? "a" : "b"));
      text.append(random.nextInt(4) == 0 ? "knowledge: as_known\n" : "").append("features:\n");
      text.append("  first: {avg: amount, over: 1d}\n");
      for (int f = random.nextInt(4); f > 0; f--) {
        text.append(
            "  f%d: {%s, %s%s}\n"
                .formatted(
                    f,
                    AGGREGATES.get(random.nextInt(AGGREGATES.size())),
                    WINDOWS.get(random.nextInt(WINDOWS.size())),
                    random.nextInt(3) > 0 ? "" : ", where: amount > 1"));
      }
      if (isChain) {
        text.append("  seen: {max: v%d.first, where: first > 0, over: 2d}\n".formatted(base));
      }
      vector.append(", v%d.first".formatted(v));
    }
    text.append(
        "---\n{kind: model, name: m, ask: s, vector: [%s], fallback: 0}\n".formatted(vector));
    Files.writeString(folder.resolve("project.yaml"), text);

    PlanInvariants.check(PlanCompiler.compile(ProjectLoader.load(folder)));
  }
}

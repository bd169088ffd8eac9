package dev.tailwater.benchmarks;

import dev.tailwater.definitions.ProjectLoader;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.PlanCompiler;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;

/** The project {@code fraud-handbook}: {@link FraudFeatures} as Tailwater's definitions. */
final class HandbookProject {

  private static final String RESOURCES = "/projects/fraud-handbook/";
  private static final List<String> FILES = List.of("project.yaml", "transaction.avsc");

  private HandbookProject() {}

  /** Its plan: one stream, two entities, two views, one model whose vector is the features. */
  static Plan plan() throws IOException {
    // A project is a folder, and these classes may be in a jar.
    Path folder = Files.createTempDirectory("fraud-handbook");
    try {
      for (String file : FILES) {
        try (InputStream in = HandbookProject.class.getResourceAsStream(RESOURCES + file)) {
          Files.copy(Objects.requireNonNull(in, file), folder.resolve(file));
        }
      }
      return PlanCompiler.compile(ProjectLoader.load(folder));
    } finally {
      for (String file : FILES) {
        Files.deleteIfExists(folder.resolve(file));
      }
      Files.delete(folder);
    }
  }
}

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

/** The projects that are measured. */
enum BenchmarkProject {
  /**
   * {@link FraudFeatures} as Tailwater's definitions: one stream, two entities, two views, one
   * model whose vector is the features.
   */
  FRAUD_HANDBOOK("fraud-handbook", "transaction.avsc"),
  /** One entity with as many keys as one likes, and a model whose vector is its seven features. */
  CARD_STATE("card-state", "payment.avsc");

  private final String folder;
  private final List<String> files;

  BenchmarkProject(String folder, String contract) {
    this.folder = folder;
    this.files = List.of("project.yaml", contract);
  }

  /** Its plan. */
  Plan plan() throws IOException {
    // A project is a folder, and these classes may be in a jar.
    Path copy = Files.createTempDirectory(folder);
    try {
      for (String file : files) {
        String resource = "/projects/" + folder + "/" + file;
        try (InputStream in = BenchmarkProject.class.getResourceAsStream(resource)) {
          Files.copy(Objects.requireNonNull(in, resource), copy.resolve(file));
        }
      }
      return PlanCompiler.compile(ProjectLoader.load(copy));
    } finally {
      for (String file : files) {
        Files.deleteIfExists(copy.resolve(file));
      }
      Files.delete(copy);
    }
  }
}

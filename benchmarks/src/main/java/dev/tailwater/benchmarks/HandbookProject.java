package dev.tailwater.benchmarks;

import dev.tailwater.definitions.ProjectLoader;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.PlanCompiler;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Path;
import java.util.Objects;

/** The project {@code fraud-handbook}: {@link FraudFeatures} as Tailwater's definitions. */
final class HandbookProject {

  private HandbookProject() {}

  /** Its plan: one stream, two entities, two views, one model whose vector is the features. */
  static Plan plan() {
    URL file =
        Objects.requireNonNull(
            HandbookProject.class.getResource("/projects/fraud-handbook/project.yaml"));
    try {
      Path folder = Objects.requireNonNull(Path.of(file.toURI()).getParent());
      return PlanCompiler.compile(ProjectLoader.load(folder));
    } catch (URISyntaxException e) {
      throw new IllegalStateException(
          file + " is no file: run the benchmarks from their classes", e);
    }
  }
}

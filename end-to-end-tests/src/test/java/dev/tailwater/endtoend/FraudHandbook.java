package dev.tailwater.endtoend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tailwater.definitions.ProjectLoader;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.PlanCompiler;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPInputStream;

/**
 * The transactions that the Fraud Detection Handbook published, with the features its authors
 * computed from them. The files are not part of this repository: the tests read them from {@code
 * ../shared/data/fraud} beside the checkout, or from the folder that the environment variable
 * TAILWATER_FRAUD_DATA names, and say so if they are not there.
 */
final class FraudHandbook {

  static final Path PROJECT = Path.of("src/test/resources/projects/fraud-handbook");

  private FraudHandbook() {}

  /** The folder with the published files; the test is skipped, with the reason, without them. */
  static Path data() {
    String configured = System.getenv("TAILWATER_FRAUD_DATA");
    Path folder =
        Path.of(configured == null ? "../../shared/data/fraud" : configured).toAbsolutePath();
    boolean present = Files.isRegularFile(folder.resolve("transactions.csv.gz"));
    String absent =
        "NOT CHECKED against published numbers: "
            + folder.normalize()
            + " has no transactions.csv.gz; set TAILWATER_FRAUD_DATA to the folder that has it";
    if (!present) {
      System.out.println(absent);
    }
    assumeTrue(present, absent);
    return folder.normalize();
  }

  static Plan plan() {
    return PlanCompiler.compile(ProjectLoader.load(PROJECT));
  }

  static BufferedReader open(Path file) throws IOException {
    return new BufferedReader(
        new InputStreamReader(
            file.toString().endsWith(".gz")
                ? new GZIPInputStream(Files.newInputStream(file), 1 << 16)
                : Files.newInputStream(file),
            StandardCharsets.UTF_8),
        1 << 16);
  }

  /** Reads the header, which must be as expected: a changed file is another test. */
  static void expectHeader(BufferedReader reader, String header) throws IOException {
    assertThat(reader.readLine()).isEqualTo(header);
  }
}

package dev.tailwater.endtoend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A Python of its own under {@code target}, with the pinned packages of {@code src/test/python}.
 */
final class Python {

  private static final Path SCRIPTS = Path.of("src", "test", "python").toAbsolutePath();
  private static final Path HOME = Path.of("target", "python").toAbsolutePath();
  private static final long MINUTES = 5;

  private final Path executable;

  private Python(Path executable) {
    this.executable = executable;
  }

  /**
   * Installs the packages unless an earlier run has; the test is skipped, with the reason, without
   * Python.
   */
  static Python withPackages() throws Exception {
    boolean present = run(List.of("python3", "--version")) != null;
    String absent = "NOT CHECKED with another engine: install python3 with its venv module";
    if (!present) {
      System.out.println(absent);
    }
    assumeTrue(present, absent);
    Path requirements = SCRIPTS.resolve("requirements.txt");
    Path installed = HOME.resolve("requirements.txt");
    Python python = new Python(HOME.resolve("bin").resolve("python"));
    if (!Files.exists(installed) || Files.mismatch(requirements, installed) != -1) {
      output("python3", "-m", "venv", "--clear", HOME.toString());
      output(
          python.executable.toString(),
          "-m",
          "pip",
          "install",
          "--quiet",
          "--disable-pip-version-check",
          "--requirement",
          requirements.toString());
      Files.copy(requirements, installed);
    }
    return python;
  }

  /** The lines that a script of {@code src/test/python} prints. */
  List<String> script(String name, String... arguments) throws Exception {
    List<String> command =
        new ArrayList<>(List.of(executable.toString(), SCRIPTS.resolve(name).toString()));
    command.addAll(List.of(arguments));
    return output(command.toArray(String[]::new)).lines().toList();
  }

  /** The lines that a program prints. */
  List<String> program(String text) throws Exception {
    return output(executable.toString(), "-c", text).lines().toList();
  }

  private static String output(String... command) throws Exception {
    String output = run(List.of(command));
    assertThat(output).as("%s can be started", command[0]).isNotNull();
    return String.valueOf(output);
  }

  /** What the command prints; null if there is no such command. */
  private static @Nullable String run(List<String> command) throws Exception {
    Path output = Files.createTempFile("python", ".out");
    Path errors = Files.createTempFile("python", ".err");
    Process process;
    try {
      process =
          new ProcessBuilder(command)
              .redirectOutput(output.toFile())
              .redirectError(errors.toFile())
              .start();
    } catch (IOException e) {
      return null;
    }
    try {
      assertThat(process.waitFor(MINUTES, TimeUnit.MINUTES)).as("%s ends", command).isTrue();
      assertThat(process.exitValue()).as(() -> command + ": " + read(errors)).isZero();
      return read(output);
    } finally {
      process.destroyForcibly();
      Files.delete(output);
      Files.delete(errors);
    }
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}

package dev.tailwater.benchmarks;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A benchmark's command line: one file, and options that each have a value. */
final class Arguments {

  private final @Nullable Path file;
  private final Map<String, String> values;

  private Arguments(@Nullable Path file, Map<String, String> values) {
    this.file = file;
    this.values = values;
  }

  /**
   * Reads the command line.
   *
   * @throws IllegalArgumentException naming the argument and what is wrong with it
   */
  static Arguments parse(String[] arguments, List<String> options) {
    Arguments parsed = read(arguments, options);
    Path file = parsed.file;
    if (file == null) {
      throw new IllegalArgumentException("name the transactions file");
    }
    if (!Files.isReadable(file)) {
      throw new IllegalArgumentException(file + " cannot be read: is there such a file?");
    }
    return parsed;
  }

  /**
   * Reads the command line of a benchmark that needs no file.
   *
   * @throws IllegalArgumentException naming the argument and what is wrong with it
   */
  static Arguments withoutFile(String[] arguments, List<String> options) {
    Arguments parsed = read(arguments, options);
    if (parsed.file != null) {
      throw new IllegalArgumentException("no file is read, but there is " + parsed.file);
    }
    return parsed;
  }

  private static Arguments read(String[] arguments, List<String> options) {
    Path file = null;
    Map<String, String> values = new HashMap<>();
    for (int i = 0; i < arguments.length; i++) {
      String argument = arguments[i];
      if (!argument.startsWith("--")) {
        if (file != null) {
          throw new IllegalArgumentException("more than one file: " + file + " and " + argument);
        }
        file = Path.of(argument);
        continue;
      }
      if (!options.contains(argument)) {
        throw new IllegalArgumentException("there is no option " + argument);
      }
      if (++i == arguments.length) {
        throw new IllegalArgumentException(argument + " needs a value");
      }
      values.put(argument, arguments[i]);
    }
    return new Arguments(file, values);
  }

  /** The file, which can be read. */
  Path file() {
    return Objects.requireNonNull(file);
  }

  String text(String option, String otherwise) {
    return values.getOrDefault(option, otherwise);
  }

  Optional<Path> path(String option) {
    return Optional.ofNullable(values.get(option)).map(Path::of);
  }

  /**
   * A whole number from 1 to 9,999,999.
   *
   * @throws IllegalArgumentException if the option has another value
   */
  int positive(String option, int otherwise) {
    String value = values.get(option);
    if (value == null) {
      return otherwise;
    }
    if (!value.matches("[1-9]\\d{0,6}")) {
      throw new IllegalArgumentException(
          option + ": '" + value + "' is not a whole number from 1 to 9999999");
    }
    return Integer.parseInt(value);
  }

  /**
   * Yes, unless the option says no.
   *
   * @throws IllegalArgumentException if the option has another value
   */
  boolean yes(String option) {
    String value = values.getOrDefault(option, "yes");
    if (!value.equals("yes") && !value.equals("no")) {
      throw new IllegalArgumentException(option + ": '" + value + "' is neither yes nor no");
    }
    return value.equals("yes");
  }

  /**
   * The option {@code --heap}, as for {@code java -Xmx}.
   *
   * @throws IllegalArgumentException if it has another form
   */
  String heap(String otherwise) {
    String value = values.getOrDefault("--heap", otherwise);
    if (!value.matches("\\d{1,6}[kmgKMG]")) {
      throw new IllegalArgumentException(
          "--heap: '" + value + "' is not a number and a unit, as in 4g");
    }
    return value;
  }
}

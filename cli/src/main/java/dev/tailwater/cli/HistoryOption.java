package dev.tailwater.cli;

import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The files that a command reads instead of lake and log. */
final class HistoryOption {

  @Option(
      names = "--history",
      paramLabel = "STREAM=FILE",
      description = "Read a stream from a file; the others come from lake and log.")
  private @Nullable List<String> written;

  /** As they were written, {@code STREAM=FILE}; none if the option was not given. */
  List<String> written() {
    return written == null ? List.of() : written;
  }
}

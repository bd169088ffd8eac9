package dev.tailwater.cli;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What can be asked of {@code training-set}. */
final class TrainingSetOptions {

  @Option(names = "--model", paramLabel = "M", description = "All views that a model reads.")
  @Nullable String model;

  @Option(names = "--views", paramLabel = "A,B", description = "These feature views.")
  @Nullable String views;

  @Option(
      names = "--spine",
      paramLabel = "FILE",
      description = "Rows with entity keys and event_time: .csv, .csv.gz or .parquet.")
  @Nullable Path spine;

  @Option(
      names = "--spine-sql",
      paramLabel = "SELECT",
      description =
          "Rows from Flink SQL over the lake, in which streams.STREAM are the events of a stream.")
  @Nullable String spineSql;

  @Option(
      names = "--from",
      paramLabel = "TIME",
      description = "Rows are the questions of --model from this event time on.")
  @Nullable String from;

  @Option(
      names = "--to",
      paramLabel = "TIME",
      description = "Rows are the questions of --model before this event time.")
  @Nullable String to;

  @Option(
      names = "--as-true",
      description =
          "Features as they were, all events known (the default); with --as-served: where the two differ, and why.")
  boolean asTrue;

  @Option(
      names = "--as-served",
      description = "The vectors that --model was asked with, from its predictions table.")
  boolean asServed;

  @Mixin HistoryOption history = new HistoryOption();

  @Option(
      names = "--out",
      paramLabel = "FILE",
      description = "A file to write: .csv, .csv.gz or .parquet.")
  @Nullable Path out;

  @Option(
      names = "--out-table",
      paramLabel = "NAME",
      description = "A table of the lake to write: training.NAME.")
  @Nullable String table;

  @Option(
      names = "--tag",
      paramLabel = "TAG",
      description = "Keep this set under a tag of the table when the next one replaces it.")
  @Nullable String tag;

  @Option(
      names = "--label",
      paramLabel = "COLUMN",
      description = "The spine's column to tell the share of; else that of the model's labels.")
  @Nullable String label;

  @Option(
      names = "--rebuild",
      paramLabel = "NAME[@TAG]",
      description = "Compute a table's set again, and compare it bit for bit.")
  @Nullable String rebuild;

  @Option(names = "--json", description = "Print the result as JSON.")
  boolean json;

  /**
   * Checks what goes with what.
   *
   * @throws WrongUsageException if it does not
   */
  void check() {
    if (rebuild != null) {
      require(
          spine == null
              && spineSql == null
              && model == null
              && views == null
              && out == null
              && table == null
              && tag == null
              && from == null
              && to == null
              && !asTrue
              && !asServed,
          "--rebuild takes everything else from the table: give only PROJECT, and --history where files were given");
      return;
    }
    if (comparesTruths()) {
      require(
          spine == null
              && spineSql == null
              && views == null
              && out == null
              && table == null
              && tag == null
              && label == null,
          "--as-true and --as-served together compare and write no set: give only PROJECT and --model M, with --from, --to and --history if needed");
      require(
          model != null, "--as-true and --as-served compare the vectors of a model: add --model M");
      return;
    }
    boolean questions = from != null || to != null || asServed;
    require(
        (spine == null ? 0 : 1) + (spineSql == null ? 0 : 1) + (questions ? 1 : 0) == 1,
        "give the rows: --spine FILE, --spine-sql SELECT, or --model M with --from and --to");
    require(!questions || model != null, "--from, --to and --as-served need --model M");
    require((model == null) != (views == null), "give either --model M or --views A,B");
    require(out != null || table != null, "give --out FILE, --out-table NAME, or both");
    require(tag == null || table != null, "--tag names a set of a table; add --out-table NAME");
    require(
        table == null || table.matches("[A-Za-z_][A-Za-z0-9_]{0,99}"),
        "--out-table is the name of a table: up to 100 letters, digits and underscores");
    require(
        tag == null || tag.matches("[A-Za-z0-9_.-]{1,100}") && !tag.equals("main"),
        "--tag is up to 100 letters, digits, dots, dashes and underscores, and not main");
  }

  /** Whether nothing is written, and what was served is compared with what is true. */
  boolean comparesTruths() {
    return asTrue && asServed;
  }

  private static void require(boolean holds, String otherwise) {
    if (!holds) {
      throw new WrongUsageException(otherwise);
    }
  }
}

package dev.tailwater.cli;

import dev.tailwater.jobs.TrainingSetSummary;
import dev.tailwater.jobs.TrainingSetSummary.OfColumn;
import dev.tailwater.schemas.ColumnType;
import dev.tailwater.schemas.Timestamps;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The summary of a training set, for people and as JSON. */
final class TrainingSetReport {

  private TrainingSetReport() {}

  /** One line per column under a header, then one about the label. */
  static List<String> lines(TrainingSetSummary summary, Optional<String> label) {
    TextTable table =
        new TextTable(
            List.of("column", "null", "min", "mean", "max", "values"),
            new boolean[] {false, true, true, true, true, false});
    for (OfColumn column : summary.columns()) {
      boolean numeric = column.type().isNumeric();
      table.add(
          List.of(
              column.name(),
              share(column.nulls(), summary.rows()),
              bound(column, column.min()),
              numeric ? number(column.mean()) : "",
              bound(column, column.max()),
              values(column)));
    }
    List<String> lines = new ArrayList<>(table.lines());
    label
        .flatMap(name -> find(summary, name))
        .ifPresent(column -> lines.add(labelLine(column, summary.rows())));
    return lines;
  }

  /** The column with a label, if the set has it. */
  static Optional<OfColumn> find(TrainingSetSummary summary, String name) {
    return summary.columns().stream().filter(column -> column.name().equals(name)).findFirst();
  }

  private static String labelLine(OfColumn label, long rows) {
    long known = rows - label.nulls();
    String share =
        label.type().isNumeric() && label.min() >= 0 && label.max() <= 1
            ? "%s positive (%,d of %,d labelled rows)"
                .formatted(percent(label.mean()), Math.round(label.mean() * known), known)
            : values(label);
    return "label %s: %s; %s without a label"
        .formatted(label.name(), share, share(label.nulls(), rows));
  }

  private static String values(OfColumn column) {
    if (column.distinct() < 0) {
      return column.type() == ColumnType.STRING
          ? "more than %,d".formatted(TrainingSetSummary.MAX_DISTINCT)
          : "";
    }
    List<String> most = new ArrayList<>();
    column
        .mostFrequent()
        .forEach(value -> most.add("%s (%,d)".formatted(shortened(value.value()), value.rows())));
    return "%,d: %s%s"
        .formatted(
            column.distinct(),
            String.join(", ", most),
            column.distinct() > most.size() ? ", …" : "");
  }

  private static String shortened(String value) {
    return value.length() > 20 ? value.substring(0, 20) + "…" : value;
  }

  private static String bound(OfColumn column, double value) {
    if (Double.isNaN(value)) {
      return "";
    }
    return switch (column.type()) {
      case TIMESTAMP -> Timestamps.format((long) value);
      case BOOLEAN -> value == 0 ? "false" : "true";
      default -> number(value);
    };
  }

  private static String number(double value) {
    if (Double.isNaN(value)) {
      return "";
    }
    return value == Math.rint(value) && Math.abs(value) < 1e15
        ? Long.toString((long) value)
        : String.format(Locale.ROOT, "%.6g", value);
  }

  private static String share(long part, long all) {
    return part == 0 ? "0 %" : percent((double) part / all);
  }

  private static String percent(double share) {
    return share > 0 && share < 0.0001
        ? "<0.01 %"
        : String.format(Locale.ROOT, "%.2f %%", 100 * share);
  }

  /** The same as values for JSON. */
  static List<Map<String, @Nullable Object>> json(TrainingSetSummary summary) {
    List<Map<String, @Nullable Object>> columns = new ArrayList<>();
    for (OfColumn column : summary.columns()) {
      Map<String, @Nullable Object> fields = new LinkedHashMap<>();
      fields.put("column", column.name());
      fields.put("type", column.type());
      fields.put("nulls", column.nulls());
      fields.put("min", column.min());
      fields.put("max", column.max());
      fields.put("mean", column.type() == ColumnType.TIMESTAMP ? null : (Object) column.mean());
      fields.put("distinct", column.distinct() < 0 ? null : (Object) column.distinct());
      Map<String, @Nullable Object> most = new LinkedHashMap<>();
      column.mostFrequent().forEach(value -> most.put(value.value(), value.rows()));
      fields.put("most_frequent", most);
      columns.add(fields);
    }
    return columns;
  }
}

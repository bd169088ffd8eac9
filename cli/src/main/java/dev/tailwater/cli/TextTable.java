package dev.tailwater.cli;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Rows under aligned column names: numbers to the right, everything else to the left. */
final class TextTable {

  private final List<String> names;
  private final boolean[] right;
  private final List<List<String>> rows = new ArrayList<>();

  /**
   * A table without rows.
   *
   * @param right which columns hold numbers, one per name
   */
  TextTable(List<String> names, boolean[] right) {
    this.names = List.copyOf(names);
    this.right = right.clone();
  }

  void add(List<String> row) {
    rows.add(List.copyOf(row));
  }

  /** The header, a rule, and one line per row, without trailing blanks. */
  List<String> lines() {
    int[] widths = new int[names.size()];
    for (int i = 0; i < widths.length; i++) {
      widths[i] = names.get(i).length();
      for (List<String> row : rows) {
        widths[i] = Math.max(widths[i], row.get(i).length());
      }
    }
    List<String> lines = new ArrayList<>(rows.size() + 2);
    lines.add(line(names, widths));
    lines.add(line(Arrays.stream(widths).mapToObj("-"::repeat).toList(), widths));
    for (List<String> row : rows) {
      lines.add(line(row, widths));
    }
    return lines;
  }

  private String line(List<String> cells, int[] widths) {
    StringBuilder line = new StringBuilder();
    for (int i = 0; i < widths.length; i++) {
      String padding = " ".repeat(widths[i] - cells.get(i).length());
      line.append(i == 0 ? "" : "  ");
      line.append(right[i] ? padding + cells.get(i) : cells.get(i) + padding);
    }
    return line.toString().stripTrailing();
  }
}

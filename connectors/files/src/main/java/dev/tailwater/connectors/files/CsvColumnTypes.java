package dev.tailwater.connectors.files;

import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import dev.tailwater.schemas.CsvDecoder;
import dev.tailwater.schemas.CsvRecords;
import dev.tailwater.schemas.UndecodableRecordException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Finds the narrowest type that holds every value of each CSV column without changing it: LONG,
 * DOUBLE, BOOLEAN (the words, not 0 and 1), else STRING. A column without values is STRING. Not
 * thread-safe.
 */
final class CsvColumnTypes {

  private static final ColumnType[] NARROW_TO_WIDE = {
    ColumnType.LONG, ColumnType.DOUBLE, ColumnType.BOOLEAN, ColumnType.STRING
  };

  /** Identifiers that look like numbers, but would come back as other text: 007, -0, +5. */
  private static final Pattern LOSSY_LONG = Pattern.compile("\\+.*|-?0\\d+|-0");

  /** The same for doubles, and numbers of more digits than a double holds. */
  private static final Pattern LOSSY_DOUBLE = Pattern.compile("\\+.*|-?0\\d.*|-?\\d{16,}");

  private final List<String> names;
  private final int[] candidates;
  private final boolean[] hasValues;
  private final CsvDecoder[][] decoders;

  CsvColumnTypes(List<String> names) {
    this.names = names;
    candidates = new int[names.size()];
    hasValues = new boolean[names.size()];
    decoders =
        names.stream()
            .map(
                name ->
                    Arrays.stream(NARROW_TO_WIDE)
                        .map(type -> new CsvDecoder(names, List.of(new Column(name, type, true))))
                        .toArray(CsvDecoder[]::new))
            .toArray(CsvDecoder[][]::new);
  }

  /** Takes a record into account; it must have as many fields as the header. */
  void add(CsvRecords record) {
    for (int i = 0; i < candidates.length; i++) {
      if (!record.isNull(i)) {
        hasValues[i] = true;
        while (!holds(record, i, candidates[i])) {
          candidates[i]++;
        }
      }
    }
  }

  private boolean holds(CsvRecords record, int field, int candidate) {
    ColumnType type = NARROW_TO_WIDE[candidate];
    if (type == ColumnType.STRING) {
      return true;
    }
    try {
      String text = record.text(field);
      boolean faithful =
          type == ColumnType.BOOLEAN
              ? text.length() > 1
              : !(type == ColumnType.LONG ? LOSSY_LONG : LOSSY_DOUBLE).matcher(text).matches();
      return faithful && decoders[field][candidate].decode(record)[0] != null;
    } catch (UndecodableRecordException e) {
      return false;
    }
  }

  List<Column> columns() {
    List<Column> columns = new ArrayList<>();
    for (int i = 0; i < candidates.length; i++) {
      ColumnType type = hasValues[i] ? NARROW_TO_WIDE[candidates[i]] : ColumnType.STRING;
      columns.add(new Column(names.get(i), type, true));
    }
    return columns;
  }
}

package dev.tailwater.definitions;

import dev.tailwater.expressions.Suggestions;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Reads {@code kind: entity}, and finds an entity's key in a stream. */
final class EntityReader {

  /** A key is compared and written as text: types whose text is ambiguous are left out. */
  private static final Map<String, ColumnType> KEY_TYPES = new LinkedHashMap<>();

  static {
    KEY_TYPES.put("string", ColumnType.STRING);
    KEY_TYPES.put("int", ColumnType.INT);
    KEY_TYPES.put("long", ColumnType.LONG);
  }

  private final Problems problems;

  EntityReader(Problems problems) {
    this.problems = problems;
  }

  /** Absent if its key has a problem, which is reported. */
  Optional<EntityDefinition> read(Text name, Section document) {
    document.allowOnly(Grammar.ENTITY);
    if (!document.present("key", "write key: {customer_id: string}")) {
      return Optional.empty();
    }
    Section key = document.section("key").orElse(null);
    if (key == null) {
      return Optional.empty();
    }
    if (key.keys().isEmpty()) {
      problems.add(key.here(), "has no column", "write key: {customer_id: string}");
    }
    List<Column> columns = new ArrayList<>();
    for (String column : key.keys()) {
      Optional<Text> type = key.text(column);
      if (!Names.isKeyColumn(key.at(column), column, problems) || type.isEmpty()) {
        continue;
      }
      ColumnType columnType = KEY_TYPES.get(type.get().value());
      if (columnType == null) {
        problems.add(
            type.get(),
            "is not a type of a key",
            Suggestions.nextStep(type.get().value(), KEY_TYPES.keySet()));
      } else {
        columns.add(new Column(column, columnType, false));
      }
    }
    return columns.isEmpty() || columns.size() < key.keys().size()
        ? Optional.empty()
        : Optional.of(new EntityDefinition(name.value(), columns));
  }

  /**
   * The columns of a stream that hold an entity's key.
   *
   * @param mapped the stream's column by key column, where the user wrote it
   * @param usual the columns to take where nothing is written, in the order of the key; by default
   *     those with the same names
   * @param at where a missing column is reported
   * @return absent if one is missing or of another type, which is reported
   */
  Optional<List<String>> keyColumns(
      EntityDefinition entity,
      Columns columns,
      Map<String, Text> mapped,
      Optional<List<String>> usual,
      Text at) {
    List<String> found = new ArrayList<>();
    for (int i = 0; i < entity.key().size(); i++) {
      Column key = entity.key().get(i);
      Text written = mapped.get(key.name());
      String name =
          written != null ? written.value() : usual.isPresent() ? usual.get().get(i) : key.name();
      if (written != null ? columns.find(written).isEmpty() : !columns.isKnown(name)) {
        if (written == null) {
          problems.add(
              at,
              "entity "
                  + entity.name()
                  + " needs the key column "
                  + name
                  + ", which the stream does not have",
              "map it to a column that it has, as in key: {" + key.name() + ": column}");
        }
        continue;
      }
      ColumnType type = columns.get(name).map(Column::type).orElse(key.type());
      boolean fits =
          type == key.type() || (type == ColumnType.INT && key.type() == ColumnType.LONG);
      if (!fits) {
        problems.add(
            written != null ? written : at,
            "key column "
                + key.name()
                + " of entity "
                + entity.name()
                + " is "
                + key.type()
                + " but column "
                + name
                + " is "
                + type,
            "give both the same type");
        continue;
      }
      found.add(name);
    }
    return found.size() == entity.key().size() ? Optional.of(found) : Optional.empty();
  }
}

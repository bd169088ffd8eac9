package dev.tailwater.schemas;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.exc.InputCoercionException;
import java.io.IOException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads one JSON object straight into column values, without a tree between. */
final class JsonRecordDecoder implements RecordDecoder {

  private final String[] names;
  private final ColumnType[] types;
  private final boolean[] nullable;

  /** Where a whole number is a timestamp in microseconds. */
  private final boolean[] micros;

  private final List<@Nullable Set<String>> symbols;
  private final Map<String, Integer> columnOf = new HashMap<>();

  /** Which columns the current record has had; a second one is a contradiction. */
  private final boolean[] seen;

  JsonRecordDecoder(RecordSchema schema) {
    this(schema, false);
  }

  /**
   * Creates a reader of the schema's rows.
   *
   * @param microsByContract whether whole numbers in columns of logicalType timestamp-micros count
   *     microseconds; else every number of a timestamp counts milliseconds
   */
  JsonRecordDecoder(RecordSchema schema, boolean microsByContract) {
    List<Column> columns = schema.columns();
    int count = columns.size();
    names = new String[count];
    types = new ColumnType[count];
    nullable = new boolean[count];
    micros = new boolean[count];
    seen = new boolean[count];
    symbols = AvroContracts.symbols(schema);
    List<AvroContracts.FieldLayout> layouts = AvroContracts.layouts(schema);
    for (int i = 0; i < count; i++) {
      micros[i] = microsByContract && layouts.get(i).wire() == AvroContracts.Wire.MICROS;
      names[i] = columns.get(i).name();
      types[i] = columns.get(i).type();
      nullable[i] = columns.get(i).nullable();
      columnOf.put(names[i], i);
    }
  }

  /** What is done with a field that is no column; the parser stands at its value. */
  interface OtherField {
    /** Must leave the parser at the last token of the value. */
    void read(JsonParser parser, String name) throws IOException, UndecodableRecordException;
  }

  @Override
  public @Nullable Object[] decode(byte[] record) throws UndecodableRecordException {
    return decode(record, (parser, name) -> parser.skipChildren());
  }

  /** As {@link #decode(byte[])}, with the fields that are no columns read too. */
  @Nullable Object[] decode(byte[] record, OtherField otherField)
      throws UndecodableRecordException {
    RecordFormat.requireBounded(record);
    try (JsonParser parser = Json.FACTORY.createParser(record)) {
      Json.requireObject(parser);
      @Nullable Object[] values = row(parser, otherField);
      Json.requireEnd(parser);
      return values;
    } catch (IOException e) {
      throw Json.malformed(e);
    }
  }

  /** Reads the object that the parser has just entered; leaves it at the object's end. */
  @Nullable Object[] row(JsonParser parser, OtherField otherField)
      throws IOException, UndecodableRecordException {
    @Nullable Object[] values = new Object[names.length];
    Arrays.fill(seen, false);
    int expected = 0;
    for (String name = parser.nextFieldName(); name != null; name = parser.nextFieldName()) {
      // Producers keep one order: the next column is nearly always the one after the last.
      int column = expected < names.length && names[expected].equals(name) ? expected : at(name);
      JsonToken token = parser.nextToken();
      if (column < 0) {
        otherField.read(parser, name);
        continue;
      }
      if (seen[column]) {
        throw new UndecodableRecordException("column " + name + " stands twice in the record");
      }
      seen[column] = true;
      values[column] = token == JsonToken.VALUE_NULL ? null : value(parser, token, column);
      expected = column + 1;
    }
    for (int i = 0; i < values.length; i++) {
      if (values[i] == null && !nullable[i]) {
        throw new UndecodableRecordException(
            "column "
                + names[i]
                + (seen[i] ? " is null" : " is missing")
                + ", but its contract requires a value");
      }
    }
    return values;
  }

  private int at(String name) {
    Integer column = columnOf.get(name);
    return column == null ? -1 : column;
  }

  private Object value(JsonParser parser, JsonToken token, int column)
      throws IOException, UndecodableRecordException {
    ColumnType type = types[column];
    switch (type) {
      case BOOLEAN:
        if (token == JsonToken.VALUE_TRUE || token == JsonToken.VALUE_FALSE) {
          return token == JsonToken.VALUE_TRUE;
        }
        break;
      case INT:
        if (token == JsonToken.VALUE_NUMBER_INT) {
          try {
            return parser.getIntValue();
          } catch (InputCoercionException e) {
            throw outOfRange(parser, column, "32 bits");
          }
        }
        break;
      case LONG:
        if (token == JsonToken.VALUE_NUMBER_INT) {
          return longValue(parser, column);
        }
        break;
      case DOUBLE:
        if (token == JsonToken.VALUE_NUMBER_INT || token == JsonToken.VALUE_NUMBER_FLOAT) {
          double value = parser.getDoubleValue();
          if (Double.isInfinite(value)) {
            throw outOfRange(parser, column, "a double");
          }
          return value;
        }
        break;
      case STRING:
        if (token == JsonToken.VALUE_STRING) {
          String text = Text.requireUnicodeRead(parser.getText(), names[column]);
          Set<String> allowed = symbols.get(column);
          if (allowed != null && !allowed.contains(text)) {
            throw new UndecodableRecordException(
                "column "
                    + names[column]
                    + " is '"
                    + Text.shown(text)
                    + "', not a symbol of its enum");
          }
          return text;
        }
        break;
      case TIMESTAMP:
        if (token == JsonToken.VALUE_STRING) {
          long instant = Timestamps.parseOrInvalid(parser.getText());
          if (instant == Timestamps.INVALID) {
            throw Text.notATimestamp(names[column], parser.getText());
          }
          return instant;
        }
        if (token == JsonToken.VALUE_NUMBER_INT) {
          long instant = longValue(parser, column);
          if (micros[column]) {
            instant = Math.floorDiv(instant, 1_000L);
          }
          if (!Timestamps.isInRange(instant)) {
            throw outOfRange(
                parser,
                column,
                "the years 1 to 9999 in "
                    + (micros[column] ? "micro" : "milli")
                    + "seconds since the epoch");
          }
          return instant;
        }
        break;
      default:
        throw new IllegalStateException("No record has a column of type " + type);
    }
    throw new UndecodableRecordException(
        "column " + names[column] + " is " + Json.words(token) + ", but its type is " + type);
  }

  private long longValue(JsonParser parser, int column)
      throws IOException, UndecodableRecordException {
    try {
      return parser.getLongValue();
    } catch (InputCoercionException e) {
      throw outOfRange(parser, column, "64 bits");
    }
  }

  private UndecodableRecordException outOfRange(JsonParser parser, int column, String range)
      throws IOException {
    return new UndecodableRecordException(
        "column "
            + names[column]
            + " is "
            + Text.shown(parser.getText())
            + ", which does not fit "
            + range);
  }
}

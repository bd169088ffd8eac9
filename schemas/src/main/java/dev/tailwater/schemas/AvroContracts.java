package dev.tailwater.schemas;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.apache.avro.AvroRuntimeException;
import org.apache.avro.Schema;
import org.jspecify.annotations.Nullable;

/** Reads Avro contracts ({@code .avsc}) as the flat record schemas Tailwater works on. */
public final class AvroContracts {

  private static final String SUPPORTED =
      "supported are boolean, int, long, float, double, string, enum, long with logicalType"
          + " timestamp-millis or timestamp-micros, and a union of null with one of them";

  /** How a parser writes a place in a text that it does not show. */
  private static final Pattern PLACE =
      Pattern.compile("\\[Source: [^;]*; line: (\\d+), column: (\\d+)]");

  private AvroContracts() {}

  /**
   * Reads one contract: a record whose fields are primitives, enums (read as STRING), timestamps,
   * or unions of null with one of them.
   *
   * @throws IllegalArgumentException if it is not Avro JSON or not such a record; the message names
   *     the field, its type, the reason and the supported types
   */
  public static RecordSchema parse(String avsc) {
    Schema record = record(avsc);
    List<Column> columns = new ArrayList<>();
    for (Schema.Field field : record.getFields()) {
      FieldLayout layout = layout(field);
      columns.add(new Column(field.name(), layout.type(), layout.nullable()));
    }
    return new RecordSchema(record.getName(), columns, avsc);
  }

  /**
   * The schema with these columns, and the contract that says so; timestamps become
   * timestamp-millis.
   *
   * @throws IllegalArgumentException if a name is not an Avro name or stands twice, or a column is
   *     a list or a map
   */
  public static RecordSchema of(String name, List<Column> columns) {
    StringBuilder avsc = new StringBuilder("{\"type\":\"record\",\"name\":\"").append(name);
    avsc.append("\",\"fields\":[");
    for (int i = 0; i < columns.size(); i++) {
      Column column = columns.get(i);
      if (!column.type().isScalar()) {
        throw new IllegalArgumentException(
            "column "
                + column.name()
                + " is a "
                + column.type()
                + ", but the records of a stream are flat: only computed features are lists or"
                + " maps");
      }
      String type =
          column.type() == ColumnType.TIMESTAMP
              ? "{\"type\":\"long\",\"logicalType\":\"timestamp-millis\"}"
              : "\"" + column.type().name().toLowerCase(Locale.ROOT) + "\"";
      avsc.append(i == 0 ? "" : ",").append("{\"name\":\"").append(column.name());
      avsc.append("\",\"type\":").append(column.nullable() ? "[\"null\"," + type + "]" : type);
      avsc.append('}');
    }
    return parse(avsc.append("]}").toString());
  }

  /** How the binary encoding writes the values of one field. */
  enum Wire {
    BOOLEAN,
    INT,
    LONG,
    FLOAT,
    DOUBLE,
    STRING,
    ENUM,
    MILLIS,
    MICROS
  }

  /**
   * One field as it is encoded.
   *
   * @param nullBranch position of null in the field's union, or -1 if it is no union
   * @param symbols the symbols of an enum, else empty
   */
  record FieldLayout(
      String name, ColumnType type, Wire wire, int nullBranch, List<String> symbols) {
    boolean nullable() {
      return nullBranch >= 0;
    }
  }

  /** The layouts of the schema's fields, in order; read from its contract. */
  static List<FieldLayout> layouts(RecordSchema schema) {
    return record(schema.avro()).getFields().stream().map(AvroContracts::layout).toList();
  }

  /** For each column the symbols of its enum, or null where any text may stand. */
  static List<@Nullable Set<String>> symbols(RecordSchema schema) {
    List<@Nullable Set<String>> symbols = new ArrayList<>();
    for (FieldLayout layout : layouts(schema)) {
      symbols.add(layout.wire() == Wire.ENUM ? Set.copyOf(layout.symbols()) : null);
    }
    return symbols;
  }

  /**
   * The columns of logicalType timestamp-micros, whose whole numbers count microseconds where the
   * contract says what they count.
   *
   * @see RecordFormat
   */
  public static Set<String> inMicroseconds(RecordSchema schema) {
    return layouts(schema).stream()
        .filter(layout -> layout.wire() == Wire.MICROS)
        .map(FieldLayout::name)
        .collect(Collectors.toUnmodifiableSet());
  }

  private static Schema record(String avsc) {
    Schema schema;
    try {
      schema = new Schema.Parser().parse(avsc);
    } catch (AvroRuntimeException e) {
      throw new IllegalArgumentException(
          e.getCause() instanceof JsonProcessingException json
              ? "the Avro contract is not valid JSON: " + shown(json) + "; correct the file there"
              : "the Avro contract cannot be read: "
                  + e.getMessage()
                  + "; it must be an Avro record",
          e);
    }
    if (schema.getType() != Schema.Type.RECORD) {
      throw new IllegalArgumentException(
          "the Avro contract is of type "
              + schema.getType().getName()
              + ", but a stream's contract must be a record");
    }
    if (schema.getFields().isEmpty()) {
      throw new IllegalArgumentException(
          "the Avro record " + schema.getName() + " has no fields, but a stream needs columns");
    }
    return schema;
  }

  /** One line, which names places in the text and not where the parser has it from. */
  private static String shown(JsonProcessingException problem) {
    String what = String.valueOf(problem.getOriginalMessage()).lines().findFirst().orElse("");
    String shown = PLACE.matcher(what).replaceAll("line $1, column $2");
    JsonLocation place = problem.getLocation(); // Of what is nested too deeply there is none.
    return place == null
        ? shown
        : "%s at line %d, column %d".formatted(shown, place.getLineNr(), place.getColumnNr());
  }

  private static FieldLayout layout(Schema.Field field) {
    Schema schema = field.schema();
    int nullBranch = -1;
    if (schema.isUnion()) {
      List<Schema> branches = schema.getTypes();
      nullBranch = schema.isNullable() ? schema.getIndexNamed("null") : -1;
      if (branches.size() != 2 || nullBranch < 0) {
        throw unsupported(field, "a union must be of null and one other type");
      }
      schema = branches.get(1 - nullBranch);
    }
    Object logicalType = schema.getObjectProp("logicalType");
    List<String> symbols = List.of();
    Wire wire;
    switch (schema.getType()) {
      case BOOLEAN -> wire = Wire.BOOLEAN;
      case INT -> wire = plain(field, Wire.INT, logicalType);
      case LONG -> {
        if ("timestamp-millis".equals(logicalType)) {
          wire = Wire.MILLIS;
        } else if ("timestamp-micros".equals(logicalType)) {
          wire = Wire.MICROS;
        } else {
          wire = plain(field, Wire.LONG, logicalType);
        }
      }
      case FLOAT -> wire = Wire.FLOAT;
      case DOUBLE -> wire = Wire.DOUBLE;
      case STRING -> wire = Wire.STRING;
      case ENUM -> {
        wire = Wire.ENUM;
        symbols = List.copyOf(schema.getEnumSymbols());
      }
      default ->
          throw unsupported(
              field,
              schema.getType().getName()
                  + " is not a flat value; write its parts as columns of their own, or as JSON text"
                  + " that expressions read");
    }
    return new FieldLayout(field.name(), columnType(wire), wire, nullBranch, symbols);
  }

  /** A number whose logical type gives it another meaning must not be read as a bare number. */
  private static Wire plain(Schema.Field field, Wire wire, @Nullable Object logicalType) {
    if (logicalType != null) {
      throw unsupported(field, "logicalType " + logicalType + " is not read");
    }
    return wire;
  }

  private static ColumnType columnType(Wire wire) {
    return switch (wire) {
      case BOOLEAN -> ColumnType.BOOLEAN;
      case INT -> ColumnType.INT;
      case LONG -> ColumnType.LONG;
      case FLOAT, DOUBLE -> ColumnType.DOUBLE;
      case STRING, ENUM -> ColumnType.STRING;
      case MILLIS, MICROS -> ColumnType.TIMESTAMP;
    };
  }

  private static IllegalArgumentException unsupported(Schema.Field field, String reason) {
    return new IllegalArgumentException(
        "field " + field.name() + " has type " + field.schema() + ": " + reason + "; " + SUPPORTED);
  }
}

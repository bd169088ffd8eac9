package dev.tailwater.connectors.files;

import dev.tailwater.connectors.log.LogRecord;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import dev.tailwater.schemas.Timestamps;
import dev.tailwater.schemas.UndecodableRecordException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.parquet.ParquetReadOptions;
import org.apache.parquet.conf.PlainParquetConfiguration;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.hadoop.api.ReadSupport;
import org.apache.parquet.hadoop.example.GroupReadSupport;
import org.apache.parquet.io.InputFile;
import org.apache.parquet.io.LocalInputFile;
import org.apache.parquet.io.api.RecordConsumer;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.TimestampLogicalTypeAnnotation;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.parquet.schema.Type;
import org.jspecify.annotations.Nullable;

/** A spine in Parquet. Fields that only pass through may have any type, nested ones included. */
final class ParquetSpine implements SpineReading {

  private static final Column EVENT_TIME =
      new Column(SpineFile.EVENT_TIME, ColumnType.TIMESTAMP, false);

  private final Path file;
  private final List<Column> keys;
  private final MessageType schema;
  private final int[] keyFields;
  private final int eventTimeField;
  private final ParquetReader<Group> reader;
  private long row;
  private @Nullable Group current;

  /** All columns, once somebody asked. */
  private List<Column> allColumns = List.of();

  ParquetSpine(Path file, List<Column> keys) throws IOException {
    this.file = file;
    this.keys = keys;
    InputFile input = new LocalInputFile(file);
    try (ParquetFileReader footer =
        ParquetFileReader.open(
            input, ParquetReadOptions.builder(new PlainParquetConfiguration()).build())) {
      schema = footer.getFileMetaData().getSchema();
    } catch (RuntimeException e) {
      throw new IOException("the file is not Parquet: " + e.getMessage(), e);
    }
    keyFields = new int[keys.size()];
    for (int i = 0; i < keyFields.length; i++) {
      keyFields[i] = require(keys.get(i));
    }
    eventTimeField = require(EVENT_TIME);
    reader = new GroupReaderBuilder(input).build();
  }

  private static final class GroupReaderBuilder extends ParquetReader.Builder<Group> {

    GroupReaderBuilder(InputFile file) {
      super(file, new PlainParquetConfiguration());
    }

    @Override
    protected ReadSupport<Group> getReadSupport() {
      return new GroupReadSupport();
    }
  }

  /** The field of a column that must be read, checked for its type. */
  private int require(Column column) {
    if (!schema.containsField(column.name())) {
      throw new IllegalArgumentException(
          "the file has the columns "
              + columnNames()
              + ", but not "
              + column.name()
              + "; a spine needs "
              + SpineFile.EVENT_TIME
              + " and the key columns "
              + keys.stream().map(Column::name).toList());
    }
    Type type = schema.getType(column.name());
    if (!type.isPrimitive() || type.isRepetition(Type.Repetition.REPEATED) || !fits(type, column)) {
      throw new IllegalArgumentException(
          "column "
              + column.name()
              + " is '"
              + type
              + "', which cannot be read as "
              + column.type()
              + "; convert the column, or declare the key with the type it has");
    }
    return schema.getFieldIndex(column.name());
  }

  private static boolean fits(Type type, Column column) {
    PrimitiveTypeName primitive = type.asPrimitiveType().getPrimitiveTypeName();
    LogicalTypeAnnotation logical = type.getLogicalTypeAnnotation();
    boolean text =
        primitive == PrimitiveTypeName.BINARY
            && (logical == null
                || logical.equals(LogicalTypeAnnotation.stringType())
                || logical.equals(LogicalTypeAnnotation.enumType()));
    boolean int32 = primitive == PrimitiveTypeName.INT32 && isInteger(logical);
    boolean int64 = primitive == PrimitiveTypeName.INT64 && isInteger(logical);
    return switch (column.type()) {
      case BOOLEAN -> primitive == PrimitiveTypeName.BOOLEAN;
      case INT -> int32;
      case LONG -> int32 || int64;
      case DOUBLE -> primitive == PrimitiveTypeName.DOUBLE || primitive == PrimitiveTypeName.FLOAT;
      case STRING -> text || int32 || int64;
      case LONG_LIST, DOUBLE_LIST, STRING_LIST, LONG_MAP, DOUBLE_MAP -> false;
      case TIMESTAMP ->
          text
              || int64
              || (primitive == PrimitiveTypeName.INT64
                  && logical instanceof TimestampLogicalTypeAnnotation);
    };
  }

  /** Not a date, time, decimal or unsigned number. */
  private static boolean isInteger(@Nullable LogicalTypeAnnotation logical) {
    return logical == null
        || (logical instanceof LogicalTypeAnnotation.IntLogicalTypeAnnotation integer
            && integer.isSigned());
  }

  @Override
  public List<String> columnNames() {
    return schema.getFields().stream().map(Type::getName).toList();
  }

  @Override
  public @Nullable LogRecord next() throws IOException {
    Group group;
    try {
      group = reader.read();
    } catch (IOException | RuntimeException e) { // Parquet throws both for damaged files.
      throw LocalFiles.unreadable(file.toString(), row, e);
    }
    current = group;
    if (group == null) {
      return null;
    }
    try {
      @Nullable Object[] values = new Object[keys.size() + 1];
      for (int i = 0; i < keyFields.length; i++) {
        values[i] = value(group, keyFields[i], keys.get(i));
      }
      values[keyFields.length] = row;
      LogRecord record = new LogRecord();
      record.offset = row;
      record.eventTime = eventTime(group);
      record.values = values;
      return record;
    } catch (UndecodableRecordException e) {
      return EventFiles.broken(
          row, String.valueOf(e.getMessage()), group.toString().getBytes(StandardCharsets.UTF_8));
    } finally {
      row++;
    }
  }

  private static @Nullable Object value(Group group, int field, Column column)
      throws UndecodableRecordException {
    if (group.getFieldRepetitionCount(field) == 0) {
      if (column.nullable()) {
        return null;
      }
      throw new UndecodableRecordException(
          "column " + column.name() + " is null, but it requires a value");
    }
    PrimitiveTypeName primitive =
        group.getType().getType(field).asPrimitiveType().getPrimitiveTypeName();
    return switch (column.type()) {
      case BOOLEAN -> group.getBoolean(field, 0);
      case INT -> group.getInteger(field, 0);
      case LONG -> wholeNumber(group, field, primitive);
      case DOUBLE ->
          primitive == PrimitiveTypeName.FLOAT
              ? (double) group.getFloat(field, 0)
              : group.getDouble(field, 0);
      case STRING ->
          primitive == PrimitiveTypeName.BINARY
              ? group.getBinary(field, 0).toStringUsingUTF8()
              : Long.toString(wholeNumber(group, field, primitive));
      case TIMESTAMP -> instant(group, field, primitive, column.name());
      default -> throw new IllegalStateException("No spine column is a " + column.type());
    };
  }

  private static long wholeNumber(Group group, int field, PrimitiveTypeName primitive) {
    return primitive == PrimitiveTypeName.INT32
        ? group.getInteger(field, 0)
        : group.getLong(field, 0);
  }

  private long eventTime(Group group) throws UndecodableRecordException {
    Object value = value(group, eventTimeField, EVENT_TIME);
    if (value instanceof Long eventTime) {
      return eventTime;
    }
    throw new UndecodableRecordException("column " + SpineFile.EVENT_TIME + " is null");
  }

  private static long instant(Group group, int field, PrimitiveTypeName primitive, String column)
      throws UndecodableRecordException {
    if (primitive == PrimitiveTypeName.BINARY) {
      try {
        return Timestamps.parse(group.getBinary(field, 0).toStringUsingUTF8());
      } catch (IllegalArgumentException e) {
        throw new UndecodableRecordException("column " + column + ": " + e.getMessage());
      }
    }
    long number = group.getLong(field, 0);
    long millis = number;
    if (group.getType().getType(field).getLogicalTypeAnnotation()
        instanceof TimestampLogicalTypeAnnotation timestamp) {
      millis =
          switch (timestamp.getUnit()) {
            case MILLIS -> number;
            case MICROS -> Math.floorDiv(number, 1_000);
            case NANOS -> Math.floorDiv(number, 1_000_000);
          };
    }
    if (!Timestamps.isInRange(millis)) {
      throw new UndecodableRecordException(
          "column " + column + " is " + millis + " ms, outside the years 1 to 9999");
    }
    return millis;
  }

  @Override
  public List<Column> columns() {
    if (allColumns.isEmpty()) {
      List<Column> columns = new ArrayList<>();
      for (Type type : schema.getFields()) {
        columns.add(column(type));
      }
      allColumns = List.copyOf(columns);
    }
    return allColumns;
  }

  /** A key and the event time as they are declared, any other as the nearest of our types. */
  private Column column(Type type) {
    String name = type.getName();
    if (name.equals(SpineFile.EVENT_TIME)) {
      return EVENT_TIME;
    }
    for (Column key : keys) {
      if (key.name().equals(name)) {
        return key;
      }
    }
    requireText(type, "which a table of the lake cannot hold; leave the column out, or use --out");
    LogicalTypeAnnotation logical = type.getLogicalTypeAnnotation();
    ColumnType columnType =
        switch (type.asPrimitiveType().getPrimitiveTypeName()) {
          case BOOLEAN -> ColumnType.BOOLEAN;
          case FLOAT, DOUBLE -> ColumnType.DOUBLE;
          case INT32 -> isInteger(logical) ? ColumnType.INT : ColumnType.STRING;
          case INT64 ->
              isInteger(logical)
                  ? ColumnType.LONG
                  : logical instanceof TimestampLogicalTypeAnnotation
                      ? ColumnType.TIMESTAMP
                      : ColumnType.STRING;
          case BINARY, INT96, FIXED_LEN_BYTE_ARRAY -> ColumnType.STRING;
        };
    return new Column(name, columnType, true);
  }

  @Override
  public @Nullable Object[] values() throws UndecodableRecordException {
    @Nullable Object[] values = new Object[allColumns.size()];
    for (int field = 0; field < values.length; field++) {
      Column column = allColumns.get(field);
      boolean otherText =
          column.type() == ColumnType.STRING
              && schema.getType(field).getLogicalTypeAnnotation() != null
              && !isInteger(schema.getType(field).getLogicalTypeAnnotation());
      values[field] = otherText ? ParquetText.of(group(), field) : value(group(), field, column);
    }
    return values;
  }

  @Override
  public byte[] csvHeader() {
    for (Type type : schema.getFields()) {
      requireText(type, "which CSV cannot hold; write the training set as .parquet");
    }
    return CsvText.header(columnNames()).getBytes(StandardCharsets.UTF_8);
  }

  private static void requireText(Type type, String otherwise) {
    if (!ParquetText.canWrite(type)) {
      throw new IllegalArgumentException(
          "column " + type.getName() + " is '" + type + "', " + otherwise);
    }
  }

  @Override
  public byte[] csvRow() {
    StringBuilder line = new StringBuilder();
    for (int i = 0; i < schema.getFieldCount(); i++) {
      line.append(i == 0 ? "" : ",");
      ParquetText.append(line, group(), i);
    }
    return line.toString().getBytes(StandardCharsets.UTF_8);
  }

  private Group group() {
    if (current == null) {
      throw new IllegalStateException("there is no current row");
    }
    return current;
  }

  @Override
  public List<Type> parquetFields() {
    return new ArrayList<>(schema.getFields());
  }

  @Override
  public void writeParquetRow(RecordConsumer consumer) {
    writeFields(group(), consumer);
  }

  private static void writeFields(Group group, RecordConsumer consumer) {
    for (int field = 0; field < group.getType().getFieldCount(); field++) {
      int count = group.getFieldRepetitionCount(field);
      if (count == 0) {
        continue;
      }
      Type type = group.getType().getType(field);
      consumer.startField(type.getName(), field);
      for (int i = 0; i < count; i++) {
        if (type.isPrimitive()) {
          group.writeValue(field, i, consumer);
        } else {
          consumer.startGroup();
          writeFields(group.getGroup(field, i), consumer);
          consumer.endGroup();
        }
      }
      consumer.endField(type.getName(), field);
    }
  }

  @Override
  public void close() throws IOException {
    reader.close();
  }
}

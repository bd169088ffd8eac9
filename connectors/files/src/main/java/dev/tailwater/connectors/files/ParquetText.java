package dev.tailwater.connectors.files;

import dev.tailwater.schemas.Timestamps;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.time.LocalDate;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.DateLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.DecimalLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.IntLogicalTypeAnnotation;
import org.apache.parquet.schema.LogicalTypeAnnotation.TimeUnit;
import org.apache.parquet.schema.LogicalTypeAnnotation.TimestampLogicalTypeAnnotation;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.parquet.schema.Type;
import org.jspecify.annotations.Nullable;

/** Fields of Parquet rows as CSV text. */
final class ParquetText {

  private ParquetText() {}

  /** Whether a field's values have a text that says all they say. */
  static boolean canWrite(Type type) {
    if (!type.isPrimitive() || type.isRepetition(Type.Repetition.REPEATED)) {
      return false;
    }
    LogicalTypeAnnotation logical = type.getLogicalTypeAnnotation();
    return switch (type.asPrimitiveType().getPrimitiveTypeName()) {
      case BOOLEAN, FLOAT, DOUBLE -> true;
      case INT32, INT64 ->
          logical == null
              || (logical instanceof IntLogicalTypeAnnotation integer && integer.isSigned())
              || logical instanceof DateLogicalTypeAnnotation
              || logical instanceof DecimalLogicalTypeAnnotation
              || logical instanceof TimestampLogicalTypeAnnotation;
      case BINARY ->
          LogicalTypeAnnotation.stringType().equals(logical)
              || LogicalTypeAnnotation.enumType().equals(logical)
              || LogicalTypeAnnotation.jsonType().equals(logical);
      case INT96, FIXED_LEN_BYTE_ARRAY -> false;
    };
  }

  /** A field as CSV has it, but without CSV's quotes; null where there is none. */
  static @Nullable String of(Group group, int field) {
    if (group.getFieldRepetitionCount(field) == 0) {
      return null;
    }
    if (group.getType().getType(field).asPrimitiveType().getPrimitiveTypeName()
        == PrimitiveTypeName.BINARY) {
      return group.getBinary(field, 0).toStringUsingUTF8();
    }
    StringBuilder text = new StringBuilder();
    append(text, group, field);
    return text.toString();
  }

  static void append(StringBuilder line, Group group, int field) {
    if (group.getFieldRepetitionCount(field) == 0) {
      return;
    }
    Type type = group.getType().getType(field);
    LogicalTypeAnnotation logical = type.getLogicalTypeAnnotation();
    switch (type.asPrimitiveType().getPrimitiveTypeName()) {
      case BOOLEAN -> line.append(group.getBoolean(field, 0));
      case FLOAT -> line.append(group.getFloat(field, 0));
      case DOUBLE -> line.append(group.getDouble(field, 0));
      case INT32 -> appendNumber(line, group.getInteger(field, 0), logical);
      case INT64 -> appendNumber(line, group.getLong(field, 0), logical);
      case BINARY, INT96, FIXED_LEN_BYTE_ARRAY ->
          CsvText.appendText(line, group.getBinary(field, 0).toStringUsingUTF8());
    }
  }

  private static void appendNumber(
      StringBuilder line, long number, @Nullable LogicalTypeAnnotation logical) {
    if (logical instanceof DateLogicalTypeAnnotation) {
      line.append(LocalDate.ofEpochDay(number));
    } else if (logical instanceof DecimalLogicalTypeAnnotation decimal) {
      line.append(new BigDecimal(BigInteger.valueOf(number), decimal.getScale()).toPlainString());
    } else if (logical instanceof TimestampLogicalTypeAnnotation timestamp) {
      appendInstant(line, number, timestamp.getUnit());
    } else {
      line.append(number);
    }
  }

  /** As ISO-8601 in UTC, with as many digits of the second as the unit has. */
  private static void appendInstant(StringBuilder line, long number, TimeUnit unit) {
    long perMilli =
        switch (unit) {
          case MILLIS -> 1;
          case MICROS -> 1_000;
          case NANOS -> 1_000_000;
        };
    long millis = Math.floorDiv(number, perMilli);
    if (!Timestamps.isInRange(millis)) {
      line.append(number); // No calendar year: the number itself is the only exact text.
      return;
    }
    line.append(Timestamps.format(millis));
    if (perMilli > 1) {
      String finer = Long.toString(perMilli + Math.floorMod(number, perMilli)).substring(1);
      line.insert(line.length() - 1, finer);
    }
  }
}

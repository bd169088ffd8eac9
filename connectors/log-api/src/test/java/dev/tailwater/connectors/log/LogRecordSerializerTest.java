package dev.tailwater.connectors.log;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tailwater.schemas.AvroContracts;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import dev.tailwater.schemas.RecordSchema;
import dev.tailwater.schemas.RowChange;
import java.io.IOException;
import java.util.List;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class LogRecordSerializerTest {

  private static final RecordSchema SCHEMA =
      AvroContracts.of(
          "Order",
          List.of(
              new Column("id", ColumnType.STRING, false),
              new Column("at", ColumnType.TIMESTAMP, true)));

  private static LogRecord written(LogRecord record) throws IOException {
    LogRecordSerializer serializer = new LogRecordSerializer(RowSerializer.of(SCHEMA.columns()));
    DataOutputSerializer out = new DataOutputSerializer(64);
    serializer.serialize(record, out);
    DataInputDeserializer in = new DataInputDeserializer(out.getCopyOfBuffer());
    LogRecord read = serializer.deserialize(in);
    assertThat(in.available()).isZero();
    return read;
  }

  private static void assertKept(LogRecord record) throws IOException {
    assertThat(written(record)).usingRecursiveComparison().isEqualTo(record);
  }

  private static LogRecord told(RowChange change) {
    LogRecord record = new LogRecord();
    record.partition = 7;
    record.offset = 1L << 40;
    record.appendTime = 5;
    record.take(change, SCHEMA, 1);
    return record;
  }

  @Test
  void keepsEveryKindOfChange() throws Exception {
    @Nullable Object[] old = {"a", 1L};
    @Nullable Object[] row = {"a", 2L};

    LogRecord update = told(new RowChange(RowChange.Kind.UPDATE, old, row, 0));
    assertThat(update.eventTime).isEqualTo(2);
    assertKept(update);
    LogRecord deletion = told(new RowChange(RowChange.Kind.DELETE, old, null, 0));
    assertThat(deletion.eventTime).isEqualTo(1);
    assertKept(deletion);
    assertKept(told(RowChange.insert(row)));
    assertKept(told(new RowChange(RowChange.Kind.NOTHING, null, null, 0)));
  }

  @Test
  void keepsWhatIsKnownOfEarlierRecords() throws Exception {
    LogRecord record =
        told(new RowChange(RowChange.Kind.DELETE, new @Nullable Object[] {"a", 1L}, null, 0));
    record.newestBefore = -5;
    assertKept(record);
    record.newestIsExact = true;
    assertKept(record);
    record.newestBefore = Long.MIN_VALUE;
    assertKept(record);
  }

  @Test
  void keepsAProblemWithItsBytes() throws Exception {
    LogRecord timeless = told(RowChange.insert(new @Nullable Object[] {"a", null}));
    timeless.bytes = new byte[] {1, 2};

    assertThat(timeless.problem).contains("column at is NULL");
    assertKept(timeless);
  }

  @Test
  void aRowBeforeTheChangeNeedsItsEventTimeToBeRetracted() {
    LogRecord update =
        told(
            new RowChange(
                RowChange.Kind.UPDATE,
                new @Nullable Object[] {"a", null},
                new Object[] {"a", 2L},
                0));

    assertThat(update.problem).contains("column at is NULL", "REPLICA IDENTITY FULL");
    assertThat(update.values).isNull();
    assertThat(update.change).isEqualTo(RowChange.Kind.INSERT);
  }
}

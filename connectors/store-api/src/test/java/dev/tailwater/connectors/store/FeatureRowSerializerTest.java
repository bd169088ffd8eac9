package dev.tailwater.connectors.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import java.io.IOException;
import java.util.List;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class FeatureRowSerializerTest {

  private static final Column CUSTOMER = new Column("customer_id", ColumnType.STRING, false);

  private static final FeatureViewLayout SPEND =
      layout(
          "spend",
          new Column("tx_count_1d", ColumnType.LONG, true),
          new Column("amount_avg_1d", ColumnType.DOUBLE, true));

  private static final FeatureViewLayout LAST =
      layout(
          "last",
          new Column("last_city", ColumnType.STRING, true),
          new Column("is_new", ColumnType.BOOLEAN, true),
          new Column("age", ColumnType.INT, true),
          new Column("seen_at", ColumnType.TIMESTAMP, true));

  private final TypeSerializer<FeatureRow> serializer =
      FeatureRowSerializer.of(List.of(SPEND, LAST));

  @Test
  void keepsEveryFieldOfARowOfEveryView() throws Exception {
    FeatureRow spend = row(0, 17L, -0.1);
    FeatureRow last = row(1, "Zürich", true, 42, Long.MIN_VALUE);

    assertSame(written(spend), spend);
    assertSame(written(last), last);
  }

  @Test
  void keepsNulls() throws Exception {
    FeatureRow empty = row(1, null, null, null, null);

    assertSame(written(empty), empty);
  }

  @Test
  void aRowOfAnUnknownViewIsRefusedWithItsPosition() {
    assertThatThrownBy(() -> written(row(2, 1L)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("view 2")
        .hasMessageContaining("2 views");
  }

  @Test
  void aSnapshotRestoresTheSerializerAndAcceptsOnlyTheSameTypes() throws Exception {
    TypeSerializerSnapshot<FeatureRow> old = snapshotWrittenAndRead();

    assertThat(old.restoreSerializer()).isEqualTo(serializer);
    assertThat(
            serializer.snapshotConfiguration().resolveSchemaCompatibility(old).isCompatibleAsIs())
        .isTrue();
    TypeSerializer<FeatureRow> swapped = FeatureRowSerializer.of(List.of(LAST, SPEND));
    assertThat(swapped.snapshotConfiguration().resolveSchemaCompatibility(old).isIncompatible())
        .isTrue();
  }

  private TypeSerializerSnapshot<FeatureRow> snapshotWrittenAndRead() throws IOException {
    DataOutputSerializer out = new DataOutputSerializer(64);
    TypeSerializerSnapshot.writeVersionedSnapshot(out, serializer.snapshotConfiguration());
    return TypeSerializerSnapshot.readVersionedSnapshot(
        new DataInputDeserializer(out.getCopyOfBuffer()), getClass().getClassLoader());
  }

  private FeatureRow written(FeatureRow row) throws IOException {
    DataOutputSerializer out = new DataOutputSerializer(64);
    serializer.serialize(row, out);
    DataInputDeserializer in = new DataInputDeserializer(out.getCopyOfBuffer());
    FeatureRow read = serializer.deserialize(in);
    assertThat(in.available()).isZero();
    return read;
  }

  private static void assertSame(FeatureRow actual, FeatureRow expected) {
    assertThat(actual).usingRecursiveComparison().isEqualTo(expected);
  }

  private static FeatureRow row(int view, @Nullable Object... values) {
    return new FeatureRow(
        view,
        "customer|7",
        1_000,
        Long.MAX_VALUE,
        3,
        2,
        1L << 60,
        values,
        "transactions",
        5,
        1L << 50,
        true,
        false);
  }

  private static FeatureViewLayout layout(String view, Column... features) {
    return new FeatureViewLayout(
        view, "0123456789ab", "customer", List.of(CUSTOMER), List.of(features), 86_400_000);
  }
}

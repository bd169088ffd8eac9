package dev.tailwater.connectors.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
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

  private static final FeatureViewLayout SHAPES =
      layout(
          "shapes",
          new Column("last_times", ColumnType.LONG_LIST, true),
          new Column("last_amounts", ColumnType.DOUBLE_LIST, true),
          new Column("last_cities", ColumnType.STRING_LIST, true),
          new Column("by_city", ColumnType.LONG_MAP, true),
          new Column("spend_by_city", ColumnType.DOUBLE_MAP, true));

  private final TypeSerializer<FeatureRow> serializer =
      FeatureRowSerializer.of(List.of(SPEND, LAST, SHAPES));

  @Test
  void keepsEveryFieldOfARowOfEveryView() throws Exception {
    FeatureRow spend = row(0, 17L, -0.1);
    FeatureRow last = row(1, "Zürich", true, 42, Long.MIN_VALUE);

    assertSame(written(spend), spend);
    assertSame(written(last), last);
  }

  @Test
  void keepsListsAndMapsInTheirOrder() throws Exception {
    FeatureRow full =
        row(
            2,
            List.of(3L, Long.MIN_VALUE, 3L),
            List.of(Double.NaN, -0.0, Double.NEGATIVE_INFINITY),
            List.of("", "Zürich"),
            new TreeMap<>(Map.of("b", 2L, "a", 1L, "", 3L)),
            new TreeMap<>(Map.of("x", Double.NaN)));
    FeatureRow empty = row(2, List.of(), List.of(), null, Map.of(), null);

    FeatureRow read = written(full);
    assertThat(read.values()).isEqualTo(full.values());
    assertThat(String.valueOf(read.values()[3])).isEqualTo("{=3, a=1, b=2}");
    assertThat(written(empty).values()).isEqualTo(empty.values());
  }

  @Test
  void keepsNulls() throws Exception {
    FeatureRow empty = row(1, null, null, null, null);

    assertSame(written(empty), empty);
  }

  @Test
  void aRowOfAnUnknownViewIsRefusedWithItsPosition() {
    assertThatThrownBy(() -> written(row(3, 1L)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("view 3")
        .hasMessageContaining("3 views");
  }

  @Test
  void aSnapshotRestoresTheSerializerAndAcceptsOnlyTheSameTypes() throws Exception {
    TypeSerializerSnapshot<FeatureRow> old = snapshotWrittenAndRead();

    assertThat(old.restoreSerializer()).isEqualTo(serializer);
    assertThat(
            serializer.snapshotConfiguration().resolveSchemaCompatibility(old).isCompatibleAsIs())
        .isTrue();
    TypeSerializer<FeatureRow> swapped = FeatureRowSerializer.of(List.of(LAST, SPEND, SHAPES));
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

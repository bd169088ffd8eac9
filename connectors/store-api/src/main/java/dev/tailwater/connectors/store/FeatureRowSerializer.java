package dev.tailwater.connectors.store;

import dev.tailwater.connectors.log.RowSerializer;
import dev.tailwater.connectors.log.SerializedTypeInfo;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.CompositeTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.base.StringSerializer;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.jspecify.annotations.Nullable;

/**
 * Serializes the rows of the feature views of one plan: the view's position tells the types of the
 * values. Times, counts and offsets keep all 64 bits; text costs one byte per ASCII character.
 */
public final class FeatureRowSerializer extends TypeSerializer<FeatureRow> {

  private static final int ONLINE = 1;
  private static final int OFFLINE = 2;

  /** By the view's position in the plan. */
  private final RowSerializer[] values;

  FeatureRowSerializer(RowSerializer[] values) {
    this.values = values;
  }

  /**
   * The type of the rows of these views.
   *
   * @param layouts by the views' positions in the plan
   */
  public static TypeInformation<FeatureRow> typeInfo(List<FeatureViewLayout> layouts) {
    return new SerializedTypeInfo<>(FeatureRow.class, of(layouts));
  }

  static FeatureRowSerializer of(List<FeatureViewLayout> layouts) {
    return new FeatureRowSerializer(
        layouts.stream()
            .map(layout -> RowSerializer.of(layout.features()))
            .toArray(RowSerializer[]::new));
  }

  @Override
  public void serialize(FeatureRow row, DataOutputView target) throws IOException {
    if (row.view() < 0 || row.view() >= values.length) {
      throw new IOException(
          "a feature row names view "
              + row.view()
              + ", but the plan has "
              + values.length
              + " views: pass the layouts of the plan that emits the rows");
    }
    target.writeInt(row.view());
    StringSerializer.INSTANCE.serialize(row.key(), target);
    target.writeLong(row.validFrom());
    target.writeLong(row.validUntil());
    target.writeLong(row.revision());
    target.writeLong(row.generation());
    target.writeLong(row.factsApplied());
    values[row.view()].serialize(row.values(), target);
    StringSerializer.INSTANCE.serialize(row.topic(), target);
    target.writeInt(row.partition());
    target.writeLong(row.offset());
    target.writeByte((row.online() ? ONLINE : 0) | (row.offline() ? OFFLINE : 0));
  }

  @Override
  public FeatureRow deserialize(DataInputView source) throws IOException {
    int view = source.readInt();
    String key = StringSerializer.INSTANCE.deserialize(source);
    long validFrom = source.readLong();
    long validUntil = source.readLong();
    long revision = source.readLong();
    long generation = source.readLong();
    long factsApplied = source.readLong();
    @Nullable Object[] row = values[view].deserialize(source);
    String topic = StringSerializer.INSTANCE.deserialize(source);
    int partition = source.readInt();
    long offset = source.readLong();
    int stores = source.readByte();
    return new FeatureRow(
        view,
        key,
        validFrom,
        validUntil,
        revision,
        generation,
        factsApplied,
        row,
        topic,
        partition,
        offset,
        (stores & ONLINE) != 0,
        (stores & OFFLINE) != 0);
  }

  @Override
  public FeatureRow deserialize(FeatureRow reuse, DataInputView source) throws IOException {
    return deserialize(source);
  }

  @Override
  public void copy(DataInputView source, DataOutputView target) throws IOException {
    serialize(deserialize(source), target);
  }

  /** Rows never change after they were emitted: the copy is the row itself. */
  @Override
  public FeatureRow copy(FeatureRow from) {
    return from;
  }

  @Override
  public FeatureRow copy(FeatureRow from, FeatureRow reuse) {
    return from;
  }

  @Override
  public FeatureRow createInstance() {
    return new FeatureRow(0, "", 0, 0, 0, 0, 0, new Object[0], "", 0, 0, false, false);
  }

  @Override
  public boolean isImmutableType() {
    return true;
  }

  @Override
  public int getLength() {
    return -1;
  }

  @Override
  public TypeSerializer<FeatureRow> duplicate() {
    return this;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof FeatureRowSerializer that && Arrays.equals(values, that.values);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(values);
  }

  @Override
  public TypeSerializerSnapshot<FeatureRow> snapshotConfiguration() {
    return new Snapshot(this);
  }

  /** The types of every view's values, written with the state they describe. */
  public static final class Snapshot
      extends CompositeTypeSerializerSnapshot<FeatureRow, FeatureRowSerializer> {

    /** Read reflectively by Flink. */
    public Snapshot() {}

    Snapshot(FeatureRowSerializer serializer) {
      super(serializer);
    }

    @Override
    protected int getCurrentOuterSnapshotVersion() {
      return 1;
    }

    @Override
    protected TypeSerializer<?>[] getNestedSerializers(FeatureRowSerializer outer) {
      return outer.values.clone();
    }

    @Override
    protected FeatureRowSerializer createOuterSerializerWithNestedSerializers(
        TypeSerializer<?>[] nested) {
      return new FeatureRowSerializer(Arrays.copyOf(nested, nested.length, RowSerializer[].class));
    }
  }
}

package dev.tailwater.jobs;

import dev.tailwater.connectors.log.RowSerializer;
import dev.tailwater.connectors.log.SerializedTypeInfo;
import dev.tailwater.schemas.Column;
import java.io.IOException;
import java.util.List;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.CompositeTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.jspecify.annotations.Nullable;

/**
 * The features of one spine row.
 *
 * @param row the row's number in the spine, from 0
 * @param features in the order of the training set's feature columns. Never changed
 */
public record TrainingSetRow(long row, @Nullable Object[] features) {

  static TypeInformation<TrainingSetRow> typeInfo(List<Column> features) {
    return new SerializedTypeInfo<>(
        TrainingSetRow.class, new Serializer(RowSerializer.of(features)));
  }

  static final class Serializer extends TypeSerializer<TrainingSetRow> {

    private final RowSerializer features;

    Serializer(RowSerializer features) {
      this.features = features;
    }

    @Override
    public void serialize(TrainingSetRow row, DataOutputView target) throws IOException {
      target.writeLong(row.row);
      features.serialize(row.features, target);
    }

    @Override
    public TrainingSetRow deserialize(DataInputView source) throws IOException {
      return new TrainingSetRow(source.readLong(), features.deserialize(source));
    }

    @Override
    public TrainingSetRow deserialize(TrainingSetRow reuse, DataInputView source)
        throws IOException {
      return deserialize(source);
    }

    @Override
    public void copy(DataInputView source, DataOutputView target) throws IOException {
      target.writeLong(source.readLong());
      features.copy(source, target);
    }

    @Override
    public TrainingSetRow copy(TrainingSetRow from) {
      return from;
    }

    @Override
    public TrainingSetRow copy(TrainingSetRow from, TrainingSetRow reuse) {
      return from;
    }

    @Override
    public TrainingSetRow createInstance() {
      return new TrainingSetRow(0, features.createInstance());
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
    public TypeSerializer<TrainingSetRow> duplicate() {
      return this;
    }

    @Override
    public boolean equals(@Nullable Object other) {
      return other instanceof Serializer that && features.equals(that.features);
    }

    @Override
    public int hashCode() {
      return features.hashCode();
    }

    @Override
    public TypeSerializerSnapshot<TrainingSetRow> snapshotConfiguration() {
      return new TrainingSetRowSnapshot(this);
    }
  }

  /** The types of the features. */
  public static final class TrainingSetRowSnapshot
      extends CompositeTypeSerializerSnapshot<TrainingSetRow, Serializer> {

    /** Read reflectively by Flink. */
    public TrainingSetRowSnapshot() {}

    TrainingSetRowSnapshot(Serializer serializer) {
      super(serializer);
    }

    @Override
    protected int getCurrentOuterSnapshotVersion() {
      return 1;
    }

    @Override
    protected TypeSerializer<?>[] getNestedSerializers(Serializer outer) {
      return new TypeSerializer<?>[] {outer.features};
    }

    @Override
    protected Serializer createOuterSerializerWithNestedSerializers(TypeSerializer<?>[] nested) {
      return new Serializer((RowSerializer) nested[0]);
    }
  }
}

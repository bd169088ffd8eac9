package dev.tailwater.connectors.iceberg;

import dev.tailwater.connectors.log.PredictionSerializer;
import java.io.IOException;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.base.StringSerializer;
import org.apache.flink.api.common.typeutils.base.TypeSerializerSingleton;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/** Serializes archived predictions. */
public final class ArchivedPredictionSerializer
    extends TypeSerializerSingleton<ArchivedPrediction> {

  public static final ArchivedPredictionSerializer INSTANCE = new ArchivedPredictionSerializer();

  private ArchivedPredictionSerializer() {}

  @Override
  public void serialize(ArchivedPrediction archived, DataOutputView target) throws IOException {
    PredictionSerializer.INSTANCE.serialize(archived.prediction(), target);
    StringSerializer.INSTANCE.serialize(archived.run(), target);
    target.writeInt(archived.partition());
    target.writeLong(archived.offset());
    target.writeLong(archived.appendTime());
  }

  @Override
  public ArchivedPrediction deserialize(DataInputView source) throws IOException {
    return new ArchivedPrediction(
        PredictionSerializer.INSTANCE.deserialize(source),
        StringSerializer.INSTANCE.deserialize(source),
        source.readInt(),
        source.readLong(),
        source.readLong());
  }

  @Override
  public ArchivedPrediction deserialize(ArchivedPrediction reuse, DataInputView source)
      throws IOException {
    return deserialize(source);
  }

  @Override
  public void copy(DataInputView source, DataOutputView target) throws IOException {
    serialize(deserialize(source), target);
  }

  /** Predictions never change: the copy is the prediction itself. */
  @Override
  public ArchivedPrediction copy(ArchivedPrediction from) {
    return from;
  }

  @Override
  public ArchivedPrediction copy(ArchivedPrediction from, ArchivedPrediction reuse) {
    return from;
  }

  @Override
  public ArchivedPrediction createInstance() {
    return new ArchivedPrediction(PredictionSerializer.INSTANCE.createInstance(), 0, 0, 0);
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
  public TypeSerializerSnapshot<ArchivedPrediction> snapshotConfiguration() {
    return new Snapshot();
  }

  /** The layout is fixed: its version is all there is to know. */
  public static final class Snapshot extends SimpleTypeSerializerSnapshot<ArchivedPrediction> {

    /** Read reflectively by Flink. */
    public Snapshot() {
      super(() -> INSTANCE);
    }
  }
}

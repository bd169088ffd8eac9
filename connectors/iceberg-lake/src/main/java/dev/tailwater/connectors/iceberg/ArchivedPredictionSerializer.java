package dev.tailwater.connectors.iceberg;

import dev.tailwater.schemas.Prediction;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.base.StringSerializer;
import org.apache.flink.api.common.typeutils.base.TypeSerializerSingleton;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.apache.flink.types.StringValue;

/** Serializes archived predictions. */
public final class ArchivedPredictionSerializer
    extends TypeSerializerSingleton<ArchivedPrediction> {

  static final ArchivedPredictionSerializer INSTANCE = new ArchivedPredictionSerializer();

  private ArchivedPredictionSerializer() {}

  @Override
  public void serialize(ArchivedPrediction archived, DataOutputView target) throws IOException {
    Prediction prediction = archived.prediction();
    StringSerializer.INSTANCE.serialize(prediction.questionId(), target);
    StringSerializer.INSTANCE.serialize(prediction.model(), target);
    StringSerializer.INSTANCE.serialize(prediction.modelVersion(), target);
    target.writeLong(prediction.eventTime());
    target.writeDouble(prediction.score());
    StringSerializer.INSTANCE.serialize(prediction.outcome().name(), target);
    StringValue.writeString(prediction.reason(), target);
    target.writeDouble(prediction.latencyMs());
    target.writeInt(prediction.vector().length);
    for (int i = 0; i < prediction.vector().length; i++) {
      StringSerializer.INSTANCE.serialize(prediction.vectorNames().get(i), target);
      target.writeDouble(prediction.vector()[i]);
    }
    StringSerializer.INSTANCE.serialize(prediction.causeTopic(), target);
    target.writeInt(prediction.causePartition());
    target.writeLong(prediction.causeOffset());
    target.writeInt(archived.partition());
    target.writeLong(archived.offset());
    target.writeLong(archived.appendTime());
  }

  @Override
  public ArchivedPrediction deserialize(DataInputView source) throws IOException {
    String questionId = StringSerializer.INSTANCE.deserialize(source);
    String model = StringSerializer.INSTANCE.deserialize(source);
    String modelVersion = StringSerializer.INSTANCE.deserialize(source);
    long eventTime = source.readLong();
    double score = source.readDouble();
    Prediction.Outcome outcome =
        Prediction.Outcome.valueOf(StringSerializer.INSTANCE.deserialize(source));
    String reason = StringValue.readString(source);
    double latencyMs = source.readDouble();
    double[] vector = new double[source.readInt()];
    List<String> names = new ArrayList<>(vector.length);
    for (int i = 0; i < vector.length; i++) {
      names.add(StringSerializer.INSTANCE.deserialize(source));
      vector[i] = source.readDouble();
    }
    Prediction prediction =
        new Prediction(
            questionId,
            model,
            modelVersion,
            eventTime,
            score,
            outcome,
            reason,
            latencyMs,
            names,
            vector,
            StringSerializer.INSTANCE.deserialize(source),
            source.readInt(),
            source.readLong());
    return new ArchivedPrediction(
        prediction, source.readInt(), source.readLong(), source.readLong());
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
    return new ArchivedPrediction(
        new Prediction(
            "",
            "",
            "",
            0,
            Double.NaN,
            Prediction.Outcome.REJECTED,
            null,
            Double.NaN,
            List.of(),
            new double[0],
            "",
            0,
            0),
        0,
        0,
        0);
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

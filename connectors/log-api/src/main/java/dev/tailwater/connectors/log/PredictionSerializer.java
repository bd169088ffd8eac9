package dev.tailwater.connectors.log;

import dev.tailwater.schemas.Prediction;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.base.StringSerializer;
import org.apache.flink.api.common.typeutils.base.TypeSerializerSingleton;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/** Serializes predictions between operators. Predictions never change. */
public final class PredictionSerializer extends TypeSerializerSingleton<Prediction> {

  public static final PredictionSerializer INSTANCE = new PredictionSerializer();

  public static final TypeInformation<Prediction> TYPE_INFO =
      new SerializedTypeInfo<>(Prediction.class, INSTANCE);

  @Override
  public void serialize(Prediction prediction, DataOutputView target) throws IOException {
    StringSerializer.INSTANCE.serialize(prediction.questionId(), target);
    StringSerializer.INSTANCE.serialize(prediction.model(), target);
    StringSerializer.INSTANCE.serialize(prediction.modelVersion(), target);
    StringSerializer.INSTANCE.serialize(prediction.definitionVersion(), target);
    target.writeLong(prediction.eventTime());
    target.writeDouble(prediction.score());
    StringSerializer.INSTANCE.serialize(prediction.outcome().name(), target);
    target.writeBoolean(prediction.reason() != null);
    if (prediction.reason() != null) {
      StringSerializer.INSTANCE.serialize(prediction.reason(), target);
    }
    target.writeDouble(prediction.latencyMs());
    target.writeInt(prediction.vector().length);
    for (int i = 0; i < prediction.vector().length; i++) {
      StringSerializer.INSTANCE.serialize(prediction.vectorNames().get(i), target);
      target.writeDouble(prediction.vector()[i]);
    }
    StringSerializer.INSTANCE.serialize(prediction.causeTopic(), target);
    target.writeInt(prediction.causePartition());
    target.writeLong(prediction.causeOffset());
  }

  @Override
  public Prediction deserialize(DataInputView source) throws IOException {
    String questionId = StringSerializer.INSTANCE.deserialize(source);
    String model = StringSerializer.INSTANCE.deserialize(source);
    String modelVersion = StringSerializer.INSTANCE.deserialize(source);
    String definitionVersion = StringSerializer.INSTANCE.deserialize(source);
    long eventTime = source.readLong();
    double score = source.readDouble();
    Prediction.Outcome outcome =
        Prediction.Outcome.valueOf(StringSerializer.INSTANCE.deserialize(source));
    String reason = source.readBoolean() ? StringSerializer.INSTANCE.deserialize(source) : null;
    double latencyMs = source.readDouble();
    double[] vector = new double[source.readInt()];
    List<String> names = new ArrayList<>(vector.length);
    for (int i = 0; i < vector.length; i++) {
      names.add(StringSerializer.INSTANCE.deserialize(source));
      vector[i] = source.readDouble();
    }
    return new Prediction(
        questionId,
        model,
        modelVersion,
        definitionVersion,
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
  }

  @Override
  public Prediction deserialize(Prediction reuse, DataInputView source) throws IOException {
    return deserialize(source);
  }

  @Override
  public void copy(DataInputView source, DataOutputView target) throws IOException {
    serialize(deserialize(source), target);
  }

  @Override
  public Prediction copy(Prediction from) {
    return from;
  }

  @Override
  public Prediction copy(Prediction from, Prediction reuse) {
    return from;
  }

  @Override
  public Prediction createInstance() {
    return new Prediction(
        "",
        "",
        "",
        "",
        0,
        0,
        Prediction.Outcome.REJECTED,
        null,
        Double.NaN,
        List.of(),
        new double[0],
        "",
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
  public TypeSerializerSnapshot<Prediction> snapshotConfiguration() {
    return new PredictionSnapshot();
  }

  /** There is one format. */
  public static final class PredictionSnapshot extends SimpleTypeSerializerSnapshot<Prediction> {

    /** Read reflectively by Flink. */
    public PredictionSnapshot() {
      super(() -> INSTANCE);
    }
  }
}

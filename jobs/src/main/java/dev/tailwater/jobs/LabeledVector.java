package dev.tailwater.jobs;

import dev.tailwater.connectors.log.SerializedTypeInfo;
import java.io.IOException;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.base.TypeSerializerSingleton;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/**
 * One row to train on: what the model would have been given, and what turned out to be true.
 *
 * @param eventTime the question's, in milliseconds since the epoch
 * @param vector in the order of the model's vector; NaN is missing. Never changed
 * @param positive the label
 */
public record LabeledVector(String questionId, long eventTime, double[] vector, boolean positive) {

  static final TypeInformation<LabeledVector> TYPE_INFO =
      new SerializedTypeInfo<>(LabeledVector.class, new Serializer());

  static final class Serializer extends TypeSerializerSingleton<LabeledVector> {

    @Override
    public void serialize(LabeledVector row, DataOutputView target) throws IOException {
      ScoringRequest.Serializer.INSTANCE.serialize(
          new ScoringRequest(row.questionId, "", row.eventTime, 0, 0, 0, row.vector, null), target);
      target.writeBoolean(row.positive);
    }

    @Override
    public LabeledVector deserialize(DataInputView source) throws IOException {
      ScoringRequest request = ScoringRequest.Serializer.INSTANCE.deserialize(source);
      return new LabeledVector(
          request.questionId(), request.eventTime(), request.vector(), source.readBoolean());
    }

    @Override
    public LabeledVector deserialize(LabeledVector reuse, DataInputView source) throws IOException {
      return deserialize(source);
    }

    @Override
    public void copy(DataInputView source, DataOutputView target) throws IOException {
      serialize(deserialize(source), target);
    }

    @Override
    public LabeledVector copy(LabeledVector from) {
      return from;
    }

    @Override
    public LabeledVector copy(LabeledVector from, LabeledVector reuse) {
      return from;
    }

    @Override
    public LabeledVector createInstance() {
      return new LabeledVector("", 0, new double[0], false);
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
    public TypeSerializerSnapshot<LabeledVector> snapshotConfiguration() {
      return new LabeledVectorSnapshot();
    }
  }

  /** There is one format. */
  public static final class LabeledVectorSnapshot
      extends SimpleTypeSerializerSnapshot<LabeledVector> {

    /** Read reflectively by Flink. */
    public LabeledVectorSnapshot() {
      super(Serializer::new);
    }
  }
}

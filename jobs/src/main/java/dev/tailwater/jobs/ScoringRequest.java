package dev.tailwater.jobs;

import dev.tailwater.connectors.log.SerializedTypeInfo;
import java.io.IOException;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.base.StringSerializer;
import org.apache.flink.api.common.typeutils.base.TypeSerializerSingleton;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.jspecify.annotations.Nullable;

/**
 * A question with the vector that its model is given.
 *
 * @param definitionVersion of the model's definition that made the vector
 * @param appendTime the question's append time, or {@link Long#MAX_VALUE} where the log does not
 *     know it
 * @param vector in the order of the model's vector; NaN is missing. Never changed
 * @param rejection why no model is to be asked, or null
 */
public record ScoringRequest(
    String questionId,
    String definitionVersion,
    long eventTime,
    long appendTime,
    int partition,
    long offset,
    double[] vector,
    @Nullable String rejection) {

  /** The same request in a bounded run, where nobody has waited since the append time. */
  ScoringRequest withoutAppendTime() {
    return new ScoringRequest(
        questionId,
        definitionVersion,
        eventTime,
        Long.MAX_VALUE,
        partition,
        offset,
        vector,
        rejection);
  }

  /** The type to give to streams of requests. */
  static final TypeInformation<ScoringRequest> TYPE_INFO =
      new SerializedTypeInfo<>(ScoringRequest.class, Serializer.INSTANCE);

  static final class Serializer extends TypeSerializerSingleton<ScoringRequest> {

    static final Serializer INSTANCE = new Serializer();

    @Override
    public void serialize(ScoringRequest request, DataOutputView target) throws IOException {
      StringSerializer.INSTANCE.serialize(request.questionId, target);
      StringSerializer.INSTANCE.serialize(request.definitionVersion, target);
      target.writeLong(request.eventTime);
      target.writeLong(request.appendTime);
      target.writeInt(request.partition);
      target.writeLong(request.offset);
      target.writeInt(request.vector.length);
      for (double value : request.vector) {
        target.writeDouble(value);
      }
      target.writeBoolean(request.rejection != null);
      if (request.rejection != null) {
        target.writeUTF(request.rejection);
      }
    }

    @Override
    public ScoringRequest deserialize(DataInputView source) throws IOException {
      String questionId = StringSerializer.INSTANCE.deserialize(source);
      String definitionVersion = StringSerializer.INSTANCE.deserialize(source);
      long eventTime = source.readLong();
      long appendTime = source.readLong();
      int partition = source.readInt();
      long offset = source.readLong();
      double[] vector = new double[source.readInt()];
      for (int i = 0; i < vector.length; i++) {
        vector[i] = source.readDouble();
      }
      String rejection = source.readBoolean() ? source.readUTF() : null;
      return new ScoringRequest(
          questionId,
          definitionVersion,
          eventTime,
          appendTime,
          partition,
          offset,
          vector,
          rejection);
    }

    @Override
    public ScoringRequest deserialize(ScoringRequest reuse, DataInputView source)
        throws IOException {
      return deserialize(source);
    }

    @Override
    public void copy(DataInputView source, DataOutputView target) throws IOException {
      serialize(deserialize(source), target);
    }

    @Override
    public ScoringRequest copy(ScoringRequest from) {
      return from;
    }

    @Override
    public ScoringRequest copy(ScoringRequest from, ScoringRequest reuse) {
      return from;
    }

    @Override
    public ScoringRequest createInstance() {
      return new ScoringRequest("", "", 0, 0, 0, 0, new double[0], null);
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
    public TypeSerializerSnapshot<ScoringRequest> snapshotConfiguration() {
      return new ScoringRequestSnapshot();
    }
  }

  /** There is one format. */
  public static final class ScoringRequestSnapshot
      extends SimpleTypeSerializerSnapshot<ScoringRequest> {

    /** Read reflectively by Flink. */
    public ScoringRequestSnapshot() {
      super(() -> Serializer.INSTANCE);
    }
  }
}

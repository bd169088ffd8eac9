package dev.tailwater.jobs;

import dev.tailwater.connectors.iceberg.ArchivedPrediction;
import dev.tailwater.connectors.iceberg.ArchivedPredictionSerializer;
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
 * One thing that is known of a question; {@link AnswerComparison} brings them together.
 *
 * @param answer what was served or replayed; else null
 * @param newestAppends per input of the model, when the newest of the facts was appended that are
 *     in its windows, in milliseconds since the epoch, {@link Long#MIN_VALUE} if nobody needs to
 *     know; empty unless that is what is known
 * @param positive the label, if that is what is known
 */
record AnswerEvidence(
    String questionId,
    Kind kind,
    @Nullable ArchivedPrediction answer,
    long[] newestAppends,
    boolean positive) {

  static final TypeInformation<AnswerEvidence> TYPE_INFO =
      new SerializedTypeInfo<>(AnswerEvidence.class, new Serializer());

  private static final long[] NONE = {};

  /** What is known. */
  enum Kind {
    SERVED,
    REPLAYED,
    NEWEST_APPENDS,
    LABEL
  }

  static AnswerEvidence served(ArchivedPrediction answer) {
    return new AnswerEvidence(answer.prediction().questionId(), Kind.SERVED, answer, NONE, false);
  }

  static AnswerEvidence replayed(ArchivedPrediction answer) {
    return new AnswerEvidence(answer.prediction().questionId(), Kind.REPLAYED, answer, NONE, false);
  }

  static AnswerEvidence newestAppends(String questionId, long[] newestAppends) {
    return new AnswerEvidence(questionId, Kind.NEWEST_APPENDS, null, newestAppends, false);
  }

  static AnswerEvidence label(String questionId, boolean positive) {
    return new AnswerEvidence(questionId, Kind.LABEL, null, NONE, positive);
  }

  static final class Serializer extends TypeSerializerSingleton<AnswerEvidence> {

    private static final Kind[] KINDS = Kind.values();

    @Override
    public void serialize(AnswerEvidence evidence, DataOutputView target) throws IOException {
      target.writeByte(evidence.kind.ordinal());
      StringSerializer.INSTANCE.serialize(evidence.questionId, target);
      if (evidence.answer != null) {
        ArchivedPredictionSerializer.INSTANCE.serialize(evidence.answer, target);
      } else if (evidence.kind == Kind.LABEL) {
        target.writeBoolean(evidence.positive);
      } else {
        target.writeInt(evidence.newestAppends.length);
        for (long append : evidence.newestAppends) {
          target.writeLong(append);
        }
      }
    }

    @Override
    public AnswerEvidence deserialize(DataInputView source) throws IOException {
      Kind kind = KINDS[source.readByte()];
      String questionId = StringSerializer.INSTANCE.deserialize(source);
      return switch (kind) {
        case SERVED, REPLAYED ->
            new AnswerEvidence(
                questionId,
                kind,
                ArchivedPredictionSerializer.INSTANCE.deserialize(source),
                NONE,
                false);
        case LABEL -> label(questionId, source.readBoolean());
        case NEWEST_APPENDS -> {
          long[] appends = new long[source.readInt()];
          for (int i = 0; i < appends.length; i++) {
            appends[i] = source.readLong();
          }
          yield newestAppends(questionId, appends);
        }
      };
    }

    @Override
    public AnswerEvidence deserialize(AnswerEvidence reuse, DataInputView source)
        throws IOException {
      return deserialize(source);
    }

    @Override
    public void copy(DataInputView source, DataOutputView target) throws IOException {
      serialize(deserialize(source), target);
    }

    @Override
    public AnswerEvidence copy(AnswerEvidence from) {
      return from;
    }

    @Override
    public AnswerEvidence copy(AnswerEvidence from, AnswerEvidence reuse) {
      return from;
    }

    @Override
    public AnswerEvidence createInstance() {
      return label("", false);
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
    public TypeSerializerSnapshot<AnswerEvidence> snapshotConfiguration() {
      return new AnswerEvidenceSnapshot();
    }
  }

  /** There is one format. */
  public static final class AnswerEvidenceSnapshot
      extends SimpleTypeSerializerSnapshot<AnswerEvidence> {

    /** Read reflectively by Flink. */
    public AnswerEvidenceSnapshot() {
      super(Serializer::new);
    }
  }
}

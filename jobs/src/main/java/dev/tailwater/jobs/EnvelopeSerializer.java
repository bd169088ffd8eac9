package dev.tailwater.jobs;

import dev.tailwater.connectors.log.RowSerializer;
import dev.tailwater.connectors.log.SerializedTypeInfo;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.StreamPlan;
import dev.tailwater.plan.ViewPlan;
import java.io.IOException;
import java.util.Arrays;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSchemaCompatibility;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.jspecify.annotations.Nullable;

/**
 * Serializes envelopes of one plan: a fixed header, the carried values by the types of the stream,
 * then for a question why it cannot be answered, if so, and a bit per view and the answers that are
 * there.
 */
final class EnvelopeSerializer extends TypeSerializer<Envelope> {

  private static final @Nullable Object[][] NO_ANSWERS = new Object[0][];

  private final RowSerializer[] values;
  private final RowSerializer[] answers;

  private EnvelopeSerializer(RowSerializer[] values, RowSerializer[] answers) {
    this.values = values;
    this.answers = answers;
  }

  static EnvelopeSerializer of(Plan plan) {
    return new EnvelopeSerializer(
        plan.streams().stream()
            .map(StreamPlan::carried)
            .map(RowSerializer::of)
            .toArray(RowSerializer[]::new),
        plan.views().stream()
            .map(ViewPlan::features)
            .map(RowSerializer::of)
            .toArray(RowSerializer[]::new));
  }

  static TypeInformation<Envelope> typeInfo(Plan plan) {
    return new SerializedTypeInfo<>(Envelope.class, of(plan));
  }

  @Override
  public void serialize(Envelope envelope, DataOutputView target) throws IOException {
    target.writeByte(envelope.roles | (envelope.isReported() ? Envelope.REPORTED : 0));
    target.writeShort(envelope.stream);
    target.writeLong(envelope.eventTime);
    target.writeInt(envelope.partition);
    target.writeLong(envelope.offset);
    target.writeLong(envelope.appendTime);
    target.writeLong(envelope.idHash);
    if (envelope.isFact() || envelope.isChained()) {
      target.writeLong(envelope.payloadHash);
    }
    if (envelope.namesAnother()) {
      target.writeLong(envelope.aboutHash);
    }
    values[envelope.stream].serialize(envelope.values, target);
    if (envelope.isQuestion()) {
      String rejection = envelope.rejection();
      target.writeBoolean(rejection != null);
      if (rejection != null) {
        target.writeUTF(rejection);
      }
      for (int view = 0; view < answers.length; view++) {
        @Nullable Object[] answer = envelope.answers[view];
        target.writeBoolean(answer != null);
        if (answer != null) {
          answers[view].serialize(answer, target);
        }
      }
    }
  }

  @Override
  public Envelope deserialize(DataInputView source) throws IOException {
    int roles = source.readByte();
    int stream = source.readShort();
    long eventTime = source.readLong();
    int partition = source.readInt();
    long offset = source.readLong();
    long appendTime = source.readLong();
    long idHash = source.readLong();
    long payloadHash = (roles & (Envelope.FACT | Envelope.CHAINED)) == 0 ? 0 : source.readLong();
    long aboutHash = (roles & Envelope.ABOUT) == 0 ? idHash : source.readLong();
    @Nullable Object[] row = values[stream].deserialize(source);
    @Nullable Object[] @Nullable [] answered = NO_ANSWERS;
    String rejection = null;
    if ((roles & Envelope.QUESTION) != 0) {
      if (source.readBoolean()) {
        rejection = source.readUTF();
      }
      answered = new Object[answers.length][];
      for (int view = 0; view < answers.length; view++) {
        if (source.readBoolean()) {
          answered[view] = answers[view].deserialize(source);
        }
      }
    }
    Envelope envelope =
        new Envelope(
            roles,
            stream,
            eventTime,
            partition,
            offset,
            appendTime,
            idHash,
            payloadHash,
            aboutHash,
            row,
            answered);
    if (rejection != null) {
      envelope.reject(rejection);
    }
    return envelope;
  }

  @Override
  public Envelope deserialize(Envelope reuse, DataInputView source) throws IOException {
    return deserialize(source);
  }

  @Override
  public void copy(DataInputView source, DataOutputView target) throws IOException {
    serialize(deserialize(source), target);
  }

  /** Only an operator that holds the one reference answers an envelope: no copy is needed. */
  @Override
  public Envelope copy(Envelope from) {
    return from;
  }

  @Override
  public Envelope copy(Envelope from, Envelope reuse) {
    return from;
  }

  @Override
  public Envelope createInstance() {
    return new Envelope(0, 0, 0, 0, 0, 0, 0, 0, 0, new Object[0], NO_ANSWERS);
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
  public TypeSerializer<Envelope> duplicate() {
    return this;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof EnvelopeSerializer that
        && Arrays.equals(values, that.values)
        && Arrays.equals(answers, that.answers);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(values) + Arrays.hashCode(answers);
  }

  @Override
  public TypeSerializerSnapshot<Envelope> snapshotConfiguration() {
    return new Snapshot(this);
  }

  /** The row types of all streams and views, by position. */
  public static final class Snapshot implements TypeSerializerSnapshot<Envelope> {

    private static final int VERSION = 2;

    private EnvelopeSerializer serializer;

    /** Read reflectively by Flink. */
    public Snapshot() {
      this(new EnvelopeSerializer(new RowSerializer[0], new RowSerializer[0]));
    }

    Snapshot(EnvelopeSerializer serializer) {
      this.serializer = serializer;
    }

    @Override
    public int getCurrentVersion() {
      return VERSION;
    }

    @Override
    public void writeSnapshot(DataOutputView out) throws IOException {
      write(serializer.values, out);
      write(serializer.answers, out);
    }

    @Override
    public void readSnapshot(int version, DataInputView in, ClassLoader classLoader)
        throws IOException {
      serializer = new EnvelopeSerializer(read(in), read(in));
    }

    private static void write(RowSerializer[] rows, DataOutputView out) throws IOException {
      out.writeInt(rows.length);
      for (RowSerializer row : rows) {
        RowSerializer.writeTypes(row.types(), out);
      }
    }

    private static RowSerializer[] read(DataInputView in) throws IOException {
      RowSerializer[] rows = new RowSerializer[in.readInt()];
      for (int i = 0; i < rows.length; i++) {
        rows[i] = new RowSerializer(RowSerializer.readTypes(in));
      }
      return rows;
    }

    @Override
    public TypeSerializer<Envelope> restoreSerializer() {
      return serializer;
    }

    @Override
    public TypeSerializerSchemaCompatibility<Envelope> resolveSchemaCompatibility(
        TypeSerializerSnapshot<Envelope> old) {
      return old instanceof Snapshot that && serializer.equals(that.serializer)
          ? TypeSerializerSchemaCompatibility.compatibleAsIs()
          : TypeSerializerSchemaCompatibility.incompatible();
    }
  }
}

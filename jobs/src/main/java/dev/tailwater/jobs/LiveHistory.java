package dev.tailwater.jobs;

import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.connectors.iceberg.RawEnd;
import dev.tailwater.connectors.iceberg.RawEnd.PartitionEnd;
import dev.tailwater.connectors.kafka.KafkaLog;
import dev.tailwater.connectors.log.LogRecord;
import dev.tailwater.plan.StreamPlan;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.flink.api.connector.source.Boundedness;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.api.connector.source.SourceEvent;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.connector.base.source.hybrid.HybridSource;
import org.apache.flink.connector.base.source.hybrid.HybridSourceEnumeratorState;
import org.apache.flink.connector.base.source.hybrid.HybridSourceSplit;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.jspecify.annotations.Nullable;

/**
 * All of a stream without an end: the lake as far as it reaches when the job first starts, then the
 * log. Where one ends and the other begins is part of every checkpoint: a job that is restored, at
 * whatever time and however far the lake reaches by then, goes on in the history that it began.
 */
final class LiveHistory implements Source<LogRecord, HybridSourceSplit, LiveHistory.State> {

  private static final long serialVersionUID = 1;

  private final KafkaLog log;
  private final Lake lake;
  private final StreamPlan stream;

  LiveHistory(KafkaLog log, Lake lake, StreamPlan stream) {
    this.log = log;
    this.lake = lake;
    this.stream = stream;
  }

  /**
   * What a checkpoint keeps.
   *
   * @param seam where the lake ends and the log begins; empty if the lake was empty
   * @param inner how far the two are read
   */
  record State(Optional<RawEnd> seam, HybridSourceEnumeratorState inner) {}

  private HybridSource<LogRecord> across(Optional<RawEnd> seam) {
    return LakeThenLog.unbounded(log, lake, stream, seam);
  }

  @Override
  public Boundedness getBoundedness() {
    return Boundedness.CONTINUOUS_UNBOUNDED;
  }

  @Override
  public SourceReader<LogRecord, HybridSourceSplit> createReader(SourceReaderContext context)
      throws Exception {
    // The enumerator sends each reader the sources that it is to read.
    return new Reader(across(Optional.empty()).createReader(context));
  }

  @Override
  public SplitEnumerator<HybridSourceSplit, State> createEnumerator(
      SplitEnumeratorContext<HybridSourceSplit> context) {
    Optional<RawEnd> seam = lake.rawEnd(stream.name());
    LakeThenLog.requireNoGap(log, stream, seam);
    return new Enumerator(stream.name(), seam, across(seam).createEnumerator(context));
  }

  @Override
  public SplitEnumerator<HybridSourceSplit, State> restoreEnumerator(
      SplitEnumeratorContext<HybridSourceSplit> context, State state) throws Exception {
    return new Enumerator(
        stream.name(),
        state.seam(),
        across(state.seam()).restoreEnumerator(context, state.inner()));
  }

  @Override
  public SimpleVersionedSerializer<HybridSourceSplit> getSplitSerializer() {
    return across(Optional.empty()).getSplitSerializer();
  }

  @Override
  public SimpleVersionedSerializer<State> getEnumeratorCheckpointSerializer() {
    return new StateSerializer(across(Optional.empty()).getEnumeratorCheckpointSerializer());
  }

  /**
   * Keeps what a checkpoint said until it is known which of the sources is read: until then Flink's
   * reader has nothing to say to the next checkpoint, and what was still to be read would be lost
   * with it.
   */
  private static final class Reader extends ForwardingReader<LogRecord, HybridSourceSplit> {

    private final List<HybridSourceSplit> restored = new ArrayList<>();
    private boolean begun;

    Reader(SourceReader<LogRecord, HybridSourceSplit> reader) {
      super(reader);
    }

    @Override
    public void addSplits(List<HybridSourceSplit> splits) {
      super.addSplits(splits);
      if (!begun) {
        restored.addAll(splits);
      }
    }

    @Override
    public void handleSourceEvents(SourceEvent event) {
      super.handleSourceEvents(event);
      begun = true;
      restored.clear();
    }

    @Override
    public List<HybridSourceSplit> snapshotState(long checkpoint) {
      return begun ? super.snapshotState(checkpoint) : List.copyOf(restored);
    }
  }

  /** Adds the seam to what the enumerator of both sources keeps. */
  private record Enumerator(
      String stream,
      Optional<RawEnd> seam,
      SplitEnumerator<HybridSourceSplit, HybridSourceEnumeratorState> inner)
      implements SplitEnumerator<HybridSourceSplit, State> {

    @Override
    public void start() {
      inner.start();
    }

    @Override
    public void handleSplitRequest(int subtask, @Nullable String host) {
      inner.handleSplitRequest(subtask, host);
    }

    /**
     * Called where tasks begin again and the enumerator would go on. Flink's forgets neither which
     * readers had finished the lake nor that it has gone on to the log: a reader that returns to
     * the lake is then taken from it too early, or waits for ever. So all return to one checkpoint.
     */
    @Override
    public void addSplitsBack(List<HybridSourceSplit> splits, int subtask) {
      throw new IllegalStateException(
          "Subtask %d reads the history of stream %s again from the last checkpoint, so all of the job does; nothing is lost"
              .formatted(subtask, stream));
    }

    @Override
    public void addReader(int subtask) {
      inner.addReader(subtask);
    }

    @Override
    public State snapshotState(long checkpoint) throws Exception {
      return new State(seam, inner.snapshotState(checkpoint));
    }

    @Override
    public void notifyCheckpointComplete(long checkpoint) throws Exception {
      inner.notifyCheckpointComplete(checkpoint);
    }

    @Override
    public void notifyCheckpointAborted(long checkpoint) throws Exception {
      inner.notifyCheckpointAborted(checkpoint);
    }

    @Override
    public void handleSourceEvent(int subtask, SourceEvent event) {
      inner.handleSourceEvent(subtask, event);
    }

    @Override
    public void close() throws IOException {
      inner.close();
    }
  }

  private record StateSerializer(SimpleVersionedSerializer<HybridSourceEnumeratorState> inner)
      implements SimpleVersionedSerializer<State> {

    @Override
    public int getVersion() {
      return 1;
    }

    @Override
    public byte[] serialize(State state) throws IOException {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      try (DataOutputStream out = new DataOutputStream(bytes)) {
        out.writeBoolean(state.seam().isPresent());
        if (state.seam().isPresent()) {
          RawEnd seam = state.seam().get();
          out.writeLong(seam.snapshotId());
          out.writeInt(seam.partitions().size());
          for (Map.Entry<Integer, PartitionEnd> end : seam.partitions().entrySet()) {
            out.writeInt(end.getKey());
            out.writeLong(end.getValue().nextOffset());
            out.writeLong(end.getValue().newestEventTime());
          }
        }
        out.writeInt(inner.getVersion());
        out.write(inner.serialize(state.inner()));
      }
      return bytes.toByteArray();
    }

    @Override
    public State deserialize(int version, byte[] serialized) throws IOException {
      try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(serialized))) {
        Optional<RawEnd> seam = Optional.empty();
        if (in.readBoolean()) {
          long snapshot = in.readLong();
          int count = in.readInt();
          Map<Integer, PartitionEnd> ends = new HashMap<>();
          for (int i = 0; i < count; i++) {
            ends.put(in.readInt(), new PartitionEnd(in.readLong(), in.readLong()));
          }
          seam = Optional.of(new RawEnd(snapshot, ends));
        }
        int innerVersion = in.readInt();
        return new State(seam, inner.deserialize(innerVersion, in.readAllBytes()));
      }
    }
  }
}

package dev.tailwater.jobs;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.apache.flink.api.connector.source.Boundedness;
import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.api.connector.source.SourceEvent;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.api.connector.source.SourceSplit;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.core.io.InputStatus;
import org.apache.flink.core.io.SimpleVersionedSerializer;

/** Another source, read a few records per checkpoint: so a job fails in the middle of it. */
record PacedSource<T, SplitT extends SourceSplit, StateT>(
    Source<T, SplitT, StateT> source, int pollsPerCheckpoint) implements Source<T, SplitT, StateT> {

  private static final long serialVersionUID = 1;

  static <T, SplitT extends SourceSplit, StateT> Source<T, ?, ?> of(
      Source<T, SplitT, StateT> source, int pollsPerCheckpoint) {
    return new PacedSource<>(source, pollsPerCheckpoint);
  }

  @Override
  public Boundedness getBoundedness() {
    return source.getBoundedness();
  }

  @Override
  public SourceReader<T, SplitT> createReader(SourceReaderContext context) throws Exception {
    return new Reader<>(source.createReader(context), pollsPerCheckpoint);
  }

  @Override
  public SplitEnumerator<SplitT, StateT> createEnumerator(SplitEnumeratorContext<SplitT> context)
      throws Exception {
    return source.createEnumerator(context);
  }

  @Override
  public SplitEnumerator<SplitT, StateT> restoreEnumerator(
      SplitEnumeratorContext<SplitT> context, StateT state) throws Exception {
    return source.restoreEnumerator(context, state);
  }

  @Override
  public SimpleVersionedSerializer<SplitT> getSplitSerializer() {
    return source.getSplitSerializer();
  }

  @Override
  public SimpleVersionedSerializer<StateT> getEnumeratorCheckpointSerializer() {
    return source.getEnumeratorCheckpointSerializer();
  }

  private static final class Reader<T, SplitT extends SourceSplit>
      implements SourceReader<T, SplitT> {

    private final SourceReader<T, SplitT> reader;
    private final int pollsPerCheckpoint;
    private int left;
    private CompletableFuture<Void> checkpoint = new CompletableFuture<>();

    Reader(SourceReader<T, SplitT> reader, int pollsPerCheckpoint) {
      this.reader = reader;
      this.pollsPerCheckpoint = pollsPerCheckpoint;
      this.left = pollsPerCheckpoint;
    }

    @Override
    public void start() {
      reader.start();
    }

    @Override
    public InputStatus pollNext(ReaderOutput<T> output) throws Exception {
      if (left == 0) {
        return InputStatus.NOTHING_AVAILABLE;
      }
      InputStatus status = reader.pollNext(output);
      if (status == InputStatus.MORE_AVAILABLE) {
        left--;
      }
      return status;
    }

    @Override
    public CompletableFuture<Void> isAvailable() {
      return left == 0 ? checkpoint : reader.isAvailable();
    }

    @Override
    public void notifyCheckpointComplete(long id) throws Exception {
      reader.notifyCheckpointComplete(id);
      left = pollsPerCheckpoint;
      checkpoint.complete(null);
      checkpoint = new CompletableFuture<>();
    }

    @Override
    public List<SplitT> snapshotState(long id) {
      return reader.snapshotState(id);
    }

    @Override
    public void addSplits(List<SplitT> splits) {
      reader.addSplits(splits);
    }

    @Override
    public void notifyNoMoreSplits() {
      reader.notifyNoMoreSplits();
    }

    @Override
    public void handleSourceEvents(SourceEvent event) {
      reader.handleSourceEvents(event);
    }

    @Override
    public void close() throws Exception {
      reader.close();
    }
  }
}

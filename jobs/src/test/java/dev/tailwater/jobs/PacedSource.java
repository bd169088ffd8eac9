package dev.tailwater.jobs;

import java.util.concurrent.CompletableFuture;
import org.apache.flink.api.connector.source.Boundedness;
import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.api.connector.source.Source;
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
      extends ForwardingReader<T, SplitT> {

    private final int pollsPerCheckpoint;
    private int left;
    private CompletableFuture<Void> checkpoint = new CompletableFuture<>();

    Reader(SourceReader<T, SplitT> reader, int pollsPerCheckpoint) {
      super(reader);
      this.pollsPerCheckpoint = pollsPerCheckpoint;
      this.left = pollsPerCheckpoint;
    }

    @Override
    public InputStatus pollNext(ReaderOutput<T> output) throws Exception {
      if (left == 0) {
        return InputStatus.NOTHING_AVAILABLE;
      }
      InputStatus status = super.pollNext(output);
      if (status == InputStatus.MORE_AVAILABLE) {
        left--;
      }
      return status;
    }

    @Override
    public CompletableFuture<Void> isAvailable() {
      return left == 0 ? checkpoint : super.isAvailable();
    }

    @Override
    public void notifyCheckpointComplete(long id) throws Exception {
      super.notifyCheckpointComplete(id);
      left = pollsPerCheckpoint;
      checkpoint.complete(null);
      checkpoint = new CompletableFuture<>();
    }
  }
}

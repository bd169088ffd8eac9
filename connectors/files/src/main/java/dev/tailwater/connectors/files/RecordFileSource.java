package dev.tailwater.connectors.files;

import dev.tailwater.connectors.log.LogRecord;
import java.io.IOException;
import java.util.List;
import org.apache.flink.api.connector.source.Boundedness;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.jspecify.annotations.Nullable;

/**
 * Reads one file, in order, as a bounded source. Exactly once: a checkpoint holds the number of
 * records read. Run it with parallelism 1; further subtasks get nothing.
 */
final class RecordFileSource implements Source<LogRecord, FilePosition, Boolean> {

  private static final long serialVersionUID = 1;

  private final RecordFile file;

  RecordFileSource(RecordFile file) {
    this.file = file;
  }

  RecordFile file() {
    return file;
  }

  @Override
  public Boundedness getBoundedness() {
    return Boundedness.BOUNDED;
  }

  @Override
  public SourceReader<LogRecord, FilePosition> createReader(SourceReaderContext context) {
    return new RecordFileReader(file, context::sendSplitRequest);
  }

  @Override
  public SplitEnumerator<FilePosition, Boolean> createEnumerator(
      SplitEnumeratorContext<FilePosition> context) {
    return new OneFile(context, new FilePosition(file.path(), 0));
  }

  @Override
  public SplitEnumerator<FilePosition, Boolean> restoreEnumerator(
      SplitEnumeratorContext<FilePosition> context, Boolean assigned) {
    return new OneFile(context, assigned ? null : new FilePosition(file.path(), 0));
  }

  @Override
  public SimpleVersionedSerializer<FilePosition> getSplitSerializer() {
    return new FilePosition.Serializer();
  }

  @Override
  public SimpleVersionedSerializer<Boolean> getEnumeratorCheckpointSerializer() {
    return new AssignedSerializer();
  }

  /** Gives the file to the first reader that asks. */
  private static final class OneFile implements SplitEnumerator<FilePosition, Boolean> {

    private final SplitEnumeratorContext<FilePosition> context;

    /** What is still to be given away; null once it is in a reader's state. */
    private @Nullable FilePosition waiting;

    OneFile(SplitEnumeratorContext<FilePosition> context, @Nullable FilePosition waiting) {
      this.context = context;
      this.waiting = waiting;
    }

    @Override
    public void start() {}

    @Override
    public void handleSplitRequest(int subtask, @Nullable String host) {
      if (waiting != null) {
        context.assignSplit(waiting, subtask);
        waiting = null;
      }
      context.signalNoMoreSplits(subtask);
    }

    @Override
    public void addSplitsBack(List<FilePosition> splits, int subtask) {
      for (FilePosition split : splits) {
        waiting = split; // The failed reader had not yet checkpointed it: it starts anew.
      }
    }

    @Override
    public void addReader(int subtask) {} // Readers ask for themselves.

    @Override
    public Boolean snapshotState(long checkpointId) {
      return waiting == null;
    }

    @Override
    public void close() {}
  }

  /** Whether the file has been given to a reader. */
  private static final class AssignedSerializer implements SimpleVersionedSerializer<Boolean> {

    private static final int VERSION = 1;

    @Override
    public int getVersion() {
      return VERSION;
    }

    @Override
    public byte[] serialize(Boolean assigned) {
      return new byte[] {(byte) (assigned ? 1 : 0)};
    }

    @Override
    public Boolean deserialize(int version, byte[] serialized) throws IOException {
      if (version != VERSION || serialized.length != 1) {
        throw new IOException("file assignments of version " + version + " are not known here");
      }
      return serialized[0] == 1;
    }
  }
}

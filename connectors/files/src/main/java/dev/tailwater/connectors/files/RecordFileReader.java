package dev.tailwater.connectors.files;

import dev.tailwater.connectors.log.LogRecord;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.core.io.InputStatus;
import org.jspecify.annotations.Nullable;

/** Reads the file in the task's own thread: no hand-over, no queue, one record a call. */
final class RecordFileReader implements SourceReader<LogRecord, FilePosition> {

  private final RecordFile file;
  private final Runnable askForFile;
  private final CompletableFuture<Void> assigned = new CompletableFuture<>();

  /**
   * That no more files will come. A short file is read before this is told, and a reader that has
   * ended by then would fail its task.
   */
  private final CompletableFuture<Void> noMoreFiles = new CompletableFuture<>();

  private boolean hasFile;
  private boolean isAtEnd;
  private long recordsRead;
  private @Nullable RecordReading reading;

  /**
   * @param askForFile asks the enumerator, once, if no file was restored
   */
  RecordFileReader(RecordFile file, Runnable askForFile) {
    this.file = file;
    this.askForFile = askForFile;
  }

  @Override
  public void start() {
    if (hasFile) { // After a restore the file is already here, and nothing else is told.
      noMoreFiles.complete(null);
    } else {
      askForFile.run();
    }
  }

  @Override
  public void addSplits(List<FilePosition> splits) {
    for (FilePosition split : splits) {
      if (!split.path().equals(file.path())) {
        throw new IllegalStateException(
            "the checkpoint holds a position in "
                + split.path()
                + ", but this source reads "
                + file.path()
                + "; restore with the same file, or start without the checkpoint");
      }
      hasFile = true;
      recordsRead = split.recordsRead();
    }
    assigned.complete(null);
  }

  @Override
  public void notifyNoMoreSplits() {
    assigned.complete(null);
    noMoreFiles.complete(null);
  }

  @Override
  public InputStatus pollNext(ReaderOutput<LogRecord> output) throws IOException {
    if (!hasFile) {
      return assigned.isDone() ? InputStatus.END_OF_INPUT : InputStatus.NOTHING_AVAILABLE;
    }
    RecordReading from = reading;
    if (from == null) {
      from = openAtPosition();
    }
    LogRecord record = isAtEnd ? null : from.next();
    if (record == null) {
      isAtEnd = true;
      return noMoreFiles.isDone() ? InputStatus.END_OF_INPUT : InputStatus.NOTHING_AVAILABLE;
    }
    recordsRead++;
    output.collect(record, record.eventTime);
    return InputStatus.MORE_AVAILABLE;
  }

  private RecordReading openAtPosition() throws IOException {
    RecordReading opened = file.open();
    reading = opened;
    for (long skipped = 0; skipped < recordsRead; skipped++) {
      if (opened.next() == null) {
        throw new IOException(
            file.path()
                + " has "
                + skipped
                + " records, but "
                + recordsRead
                + " were read before the restart; it must not change while a job reads it");
      }
    }
    return opened;
  }

  @Override
  public List<FilePosition> snapshotState(long checkpointId) {
    return hasFile ? List.of(new FilePosition(file.path(), recordsRead)) : List.of();
  }

  @Override
  public CompletableFuture<Void> isAvailable() {
    return isAtEnd ? noMoreFiles : assigned;
  }

  @Override
  public void close() throws IOException {
    if (reading != null) {
      reading.close();
    }
  }
}

package dev.tailwater.jobs;

import dev.tailwater.connectors.log.LogRecord;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.apache.flink.api.common.eventtime.Watermark;
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

/**
 * A log whose first records were read elsewhere: each partition begins with the watermark that
 * those records have brought it to. So its clock stands where it would if the log had been read
 * from its beginning, even if no further record comes.
 *
 * @param watermarks by the id of the split
 */
record ResumedLog<SplitT extends SourceSplit, StateT>(
    Source<LogRecord, SplitT, StateT> log, Map<String, Long> watermarks)
    implements Source<LogRecord, SplitT, StateT> {

  private static final long serialVersionUID = 1;

  ResumedLog {
    watermarks = Map.copyOf(watermarks);
  }

  @Override
  public Boundedness getBoundedness() {
    return log.getBoundedness();
  }

  @Override
  public SourceReader<LogRecord, SplitT> createReader(SourceReaderContext context)
      throws Exception {
    return new Reader<>(log.createReader(context), watermarks);
  }

  @Override
  public SplitEnumerator<SplitT, StateT> createEnumerator(SplitEnumeratorContext<SplitT> context)
      throws Exception {
    return log.createEnumerator(context);
  }

  @Override
  public SplitEnumerator<SplitT, StateT> restoreEnumerator(
      SplitEnumeratorContext<SplitT> context, StateT state) throws Exception {
    return log.restoreEnumerator(context, state);
  }

  @Override
  public SimpleVersionedSerializer<SplitT> getSplitSerializer() {
    return log.getSplitSerializer();
  }

  @Override
  public SimpleVersionedSerializer<StateT> getEnumeratorCheckpointSerializer() {
    return log.getEnumeratorCheckpointSerializer();
  }

  private static final class Reader<SplitT extends SourceSplit>
      extends ForwardingReader<LogRecord, SplitT> {

    private final Map<String, Long> watermarks;

    /** The watermarks of new splits, which have not been told. */
    private final Map<String, Long> added = new HashMap<>();

    private CompletableFuture<Void> available = CompletableFuture.completedFuture(null);

    Reader(SourceReader<LogRecord, SplitT> log, Map<String, Long> watermarks) {
      super(log);
      this.watermarks = watermarks;
    }

    @Override
    public InputStatus pollNext(ReaderOutput<LogRecord> output) throws Exception {
      added.forEach(
          (split, watermark) ->
              output.createOutputForSplit(split).emitWatermark(new Watermark(watermark)));
      added.clear();
      return super.pollNext(output);
    }

    @Override
    public CompletableFuture<Void> isAvailable() {
      CompletableFuture<Void> next = super.isAvailable();
      if (!added.isEmpty() || next.isDone()) {
        return CompletableFuture.completedFuture(null);
      }
      // Completed by a record, or by a split whose watermark is to be told.
      CompletableFuture<Void> either = new CompletableFuture<>();
      CompletableFuture<?> unused = next.whenComplete((done, failure) -> either.complete(null));
      available = either;
      return either;
    }

    @Override
    public void addSplits(List<SplitT> splits) {
      super.addSplits(splits);
      for (SplitT split : splits) {
        Long watermark = watermarks.get(split.splitId());
        if (watermark != null) {
          added.put(split.splitId(), watermark);
        }
      }
      available.complete(null);
    }
  }
}

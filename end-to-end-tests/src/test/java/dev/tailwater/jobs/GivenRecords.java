package dev.tailwater.jobs;

import dev.tailwater.connectors.log.LogRecord;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.connector.source.Boundedness;
import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.api.connector.source.SourceOutput;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.api.connector.source.SourceSplit;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.core.io.InputStatus;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.jspecify.annotations.Nullable;

/**
 * Records of this JVM as a bounded source at parallelism 1, each partition with a watermark of its
 * own, as a Kafka topic has it.
 */
final class GivenRecords implements Source<LogRecord, GivenRecords.NoSplit, Boolean> {

  private static final long serialVersionUID = 1;

  /** When the source goes on. */
  interface Pace {

    /** One record after the other. */
    Pace NONE = read -> CompletableFuture.completedFuture(true);

    /**
     * When the source goes on that has read so many records: to the next one, or to its end; with
     * false if it has waited in vain.
     */
    CompletableFuture<Boolean> after(int read);

    /** Whether a partition is there to the end of the source, and not of its own records. */
    default boolean isOpenEnded() {
      return false;
    }

    /** The watermark of the source until its first record; if there is none, it is idle. */
    default OptionalLong firstWatermark() {
      return OptionalLong.empty();
    }

    /** Time for a watermark to pass between two records. */
    static CompletableFuture<Boolean> someWatermarks() {
      return CompletableFuture.supplyAsync(() -> true, SOME_WATERMARKS);
    }
  }

  private static final Executor SOME_WATERMARKS =
      CompletableFuture.delayedExecutor(3, TimeUnit.MILLISECONDS);

  private record Given(List<LogRecord> records, Pace pace) {}

  // A source travels to its task as bytes; the records stay here.
  private static final Map<Long, Given> GIVEN = new ConcurrentHashMap<>();
  private static final AtomicLong NEXT = new AtomicLong();

  private final long given;

  /** A source of the records in this order. */
  GivenRecords(List<LogRecord> records, Pace pace) {
    this.given = NEXT.getAndIncrement();
    GIVEN.put(given, new Given(List.copyOf(records), pace));
  }

  @Override
  public Boundedness getBoundedness() {
    return Boundedness.BOUNDED;
  }

  @Override
  public SourceReader<LogRecord, NoSplit> createReader(SourceReaderContext context) {
    return new Reader(Objects.requireNonNull(GIVEN.get(given)));
  }

  @Override
  public SplitEnumerator<NoSplit, Boolean> createEnumerator(
      SplitEnumeratorContext<NoSplit> context) {
    return new NoEnumerator();
  }

  @Override
  public SplitEnumerator<NoSplit, Boolean> restoreEnumerator(
      SplitEnumeratorContext<NoSplit> context, Boolean state) {
    return new NoEnumerator();
  }

  @Override
  public SimpleVersionedSerializer<NoSplit> getSplitSerializer() {
    return new Nothing<>(new NoSplit());
  }

  @Override
  public SimpleVersionedSerializer<Boolean> getEnumeratorCheckpointSerializer() {
    return new Nothing<>(true);
  }

  private static final class Reader implements SourceReader<LogRecord, NoSplit> {

    private final List<LogRecord> records;
    private final Pace pace;
    private final Map<Integer, SourceOutput<LogRecord>> partitions = new HashMap<>();
    private final Map<Integer, Integer> left = new HashMap<>();
    private boolean opened;
    private int next;
    private CompletableFuture<Boolean> available;

    Reader(Given given) {
      this.records = given.records();
      this.pace = given.pace();
      this.available = pace.after(0);
    }

    @Override
    public void start() {}

    @Override
    public InputStatus pollNext(ReaderOutput<LogRecord> output) {
      if (!opened) {
        open(output);
      }
      if (!available.isDone()) {
        return InputStatus.NOTHING_AVAILABLE;
      }
      if (!available.join()) {
        throw new IllegalStateException(
            "waited in vain to go on after %d of %d records".formatted(next, records.size()));
      }
      if (next == records.size()) {
        return InputStatus.END_OF_INPUT;
      }
      // What comes at once comes without a watermark between.
      while (next < records.size() && available.isDone()) {
        LogRecord record = records.get(next++);
        SourceOutput<LogRecord> partition = partitions.get(record.partition);
        if (partition != null) {
          partition.collect(record, record.eventTime);
        }
        if (left.merge(record.partition, -1, Integer::sum) == 0 && !pace.isOpenEnded()) {
          output.releaseOutputForSplit("" + record.partition);
        }
        available = pace.after(next);
      }
      return available.isDone() ? InputStatus.MORE_AVAILABLE : InputStatus.NOTHING_AVAILABLE;
    }

    private void open(ReaderOutput<LogRecord> output) {
      opened = true;
      for (LogRecord record : records) {
        left.merge(record.partition, 1, Integer::sum);
        partitions.computeIfAbsent(
            record.partition, partition -> output.createOutputForSplit("" + partition));
      }
      if (pace.firstWatermark().isPresent()) {
        Watermark first = new Watermark(pace.firstWatermark().getAsLong());
        partitions.values().forEach(partition -> partition.emitWatermark(first));
        if (partitions.isEmpty()) {
          output.emitWatermark(first);
        }
      } else if (!available.isDone()) {
        // Others must not wait for the watermark of a source that waits for them.
        partitions.values().forEach(SourceOutput::markIdle);
        output.markIdle();
      }
    }

    @Override
    public List<NoSplit> snapshotState(long checkpointId) {
      return new ArrayList<>();
    }

    @Override
    public CompletableFuture<Void> isAvailable() {
      return available.thenAccept(ready -> {});
    }

    @Override
    public void addSplits(List<NoSplit> splits) {}

    @Override
    public void notifyNoMoreSplits() {}

    @Override
    public void close() {}
  }

  /** The records need no splitting. */
  static final class NoSplit implements SourceSplit {
    @Override
    public String splitId() {
      return "all";
    }
  }

  private static final class NoEnumerator implements SplitEnumerator<NoSplit, Boolean> {

    @Override
    public void start() {}

    @Override
    public void handleSplitRequest(int subtask, @Nullable String host) {}

    @Override
    public void addSplitsBack(List<NoSplit> splits, int subtask) {}

    @Override
    public void addReader(int subtask) {}

    @Override
    public Boolean snapshotState(long checkpointId) {
      return true;
    }

    @Override
    public void close() {}
  }

  /** Writes nothing, and reads back the one value there is. */
  private record Nothing<T>(T value) implements SimpleVersionedSerializer<T> {

    @Override
    public int getVersion() {
      return 1;
    }

    @Override
    public byte[] serialize(T written) {
      return new byte[0];
    }

    @Override
    public T deserialize(int version, byte[] serialized) {
      return value;
    }
  }
}

package dev.tailwater.connectors.files;

import dev.tailwater.connectors.log.LogRecord;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.eventtime.Watermark;
import org.apache.flink.api.connector.source.ReaderOutput;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.api.connector.source.SourceOutput;
import org.apache.flink.core.io.InputStatus;

/** What a reader emits, and a reader that runs without a cluster. */
final class Emitted implements ReaderOutput<LogRecord> {

  final List<LogRecord> records = new ArrayList<>();

  /** Everything the source emits when its file is read from the start. */
  static List<LogRecord> by(Source<LogRecord, ?, ?> source) throws Exception {
    RecordFileReader reader = startedReader(source);
    Emitted emitted = new Emitted();
    while (reader.pollNext(emitted) == InputStatus.MORE_AVAILABLE) {
      assertTimestampIsEventTime(emitted);
    }
    reader.close();
    return emitted.records;
  }

  /** A reader that has been given the whole file. */
  static RecordFileReader startedReader(Source<LogRecord, ?, ?> source) {
    RecordFile file = ((RecordFileSource) source).file();
    RecordFileReader reader = new RecordFileReader(file, () -> {});
    reader.addSplits(List.of(new FilePosition(file.path(), 0)));
    reader.start();
    return reader;
  }

  private static void assertTimestampIsEventTime(Emitted emitted) {
    if (emitted.lastTimestamp != emitted.records.get(emitted.records.size() - 1).eventTime) {
      throw new AssertionError("emitted with the timestamp " + emitted.lastTimestamp);
    }
  }

  private long lastTimestamp;

  @Override
  public void collect(LogRecord record) {
    throw new AssertionError("a record without a timestamp: " + record.offset);
  }

  @Override
  public void collect(LogRecord record, long timestamp) {
    records.add(record);
    lastTimestamp = timestamp;
  }

  @Override
  public void emitWatermark(Watermark watermark) {}

  @Override
  public void markIdle() {}

  @Override
  public void markActive() {}

  @Override
  public SourceOutput<LogRecord> createOutputForSplit(String splitId) {
    return this;
  }

  @Override
  public void releaseOutputForSplit(String splitId) {}
}

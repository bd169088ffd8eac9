package dev.tailwater.checks;

import dev.tailwater.connectors.log.LogRecord;
import org.apache.flink.api.connector.source.Boundedness;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.api.connector.source.SourceReader;
import org.apache.flink.api.connector.source.SourceReaderContext;
import org.apache.flink.api.connector.source.SourceSplit;
import org.apache.flink.api.connector.source.SplitEnumerator;
import org.apache.flink.api.connector.source.SplitEnumeratorContext;
import org.apache.flink.core.io.SimpleVersionedSerializer;

/** Stands where a graph needs a source; {@link HarnessGraph} sends the records itself. */
final class NeverRead implements Source<LogRecord, SourceSplit, Void> {

  private static final long serialVersionUID = 1;

  @Override
  public Boundedness getBoundedness() {
    return Boundedness.BOUNDED;
  }

  @Override
  public SourceReader<LogRecord, SourceSplit> createReader(SourceReaderContext context) {
    throw notRun();
  }

  @Override
  public SplitEnumerator<SourceSplit, Void> createEnumerator(
      SplitEnumeratorContext<SourceSplit> context) {
    throw notRun();
  }

  @Override
  public SplitEnumerator<SourceSplit, Void> restoreEnumerator(
      SplitEnumeratorContext<SourceSplit> context, Void checkpoint) {
    throw notRun();
  }

  @Override
  public SimpleVersionedSerializer<SourceSplit> getSplitSerializer() {
    throw notRun();
  }

  @Override
  public SimpleVersionedSerializer<Void> getEnumeratorCheckpointSerializer() {
    throw notRun();
  }

  private static IllegalStateException notRun() {
    return new IllegalStateException("no source runs in a harness");
  }
}

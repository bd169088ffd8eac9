package dev.tailwater.jobs;

import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.connectors.kafka.KafkaLog;
import dev.tailwater.connectors.log.LogRecord;
import dev.tailwater.plan.StreamPlan;
import java.util.Optional;
import org.apache.flink.api.connector.source.Source;

/**
 * Where a job that never ends reads: all of history, first the raw lake, then the log from exactly
 * the next offset of each partition, and on. Where the lake ended when the job first started is
 * part of its checkpoints.
 *
 * @param lake absent where there is none: then all of the log
 */
public record LiveSources(KafkaLog log, Optional<Lake> lake) {

  /**
   * The source of one stream. Records keep their original bytes, so that dead letters can tell
   * them.
   *
   * @throws IllegalArgumentException if records between lake and log are missing, or the lake has
   *     them under another name of the stream
   * @throws java.io.UncheckedIOException if the log does not answer
   */
  public Source<LogRecord, ?, ?> of(StreamPlan stream) {
    return LakeThenLog.unbounded(log, lake, stream);
  }
}

package dev.tailwater.jobs;

import dev.tailwater.connectors.files.EventFiles;
import dev.tailwater.connectors.kafka.Bound;
import dev.tailwater.connectors.kafka.KafkaLog;
import dev.tailwater.connectors.kafka.StartAt;
import dev.tailwater.connectors.kafka.StreamTopic;
import dev.tailwater.connectors.log.LogRecord;
import dev.tailwater.plan.StreamPlan;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.apache.flink.api.connector.source.Source;

/**
 * Where a bounded run reads history: a file for the streams that have one, else the stream's topic
 * from its beginning to the end it has when the run starts.
 *
 * @param log absent when every stream has a file
 * @param files by stream name
 */
public record BoundedSources(Optional<KafkaLog> log, Map<String, Path> files) {

  public BoundedSources {
    files = Map.copyOf(files);
  }

  /**
   * The source of one stream.
   *
   * @throws IllegalArgumentException if the stream has neither a file nor a log, or its file cannot
   *     be read as records of the stream
   */
  public Source<LogRecord, ?, ?> of(StreamPlan stream) {
    Path file = files.get(stream.name());
    if (file != null) {
      return EventFiles.source(file, stream.schema(), stream.eventTime(), stream.format());
    }
    return log.orElseThrow(
            () ->
                new IllegalArgumentException(
                    "stream "
                        + stream.name()
                        + " has no history: no log is running and no file is given; start the log,"
                        + " or add --history "
                        + stream.name()
                        + "=FILE"))
        .source(topic(stream), StartAt.earliest(), Optional.of(Bound.presentEnd()));
  }

  static StreamTopic topic(StreamPlan stream) {
    return new StreamTopic(
        stream.name(), stream.topic(), stream.format(), stream.schema(), stream.eventTime());
  }
}

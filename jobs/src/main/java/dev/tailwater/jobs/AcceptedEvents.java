package dev.tailwater.jobs;

import dev.tailwater.connectors.log.LogRecord;
import dev.tailwater.connectors.log.LogRecordSerializer;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.StreamPlan;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.RecordSchema;
import java.util.List;
import java.util.Set;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * The events of one stream that the graph accepts, as it decodes and checks them: what features are
 * told, before duplicates are left out. Of a changelog the rows after each change.
 */
public final class AcceptedEvents {

  private AcceptedEvents() {}

  /** The values of each event: all columns of the stream, then the derived ones. */
  public static List<Column> columns(Plan events) {
    return stream(events).carried();
  }

  /**
   * Adds the source of the stream and its check.
   *
   * @param events made by {@code PlanCompiler.events}
   */
  public static DataStream<LogRecord> of(
      StreamExecutionEnvironment env, Plan events, BoundedSources sources) {
    StreamPlan stream = stream(events);
    return FeatureGraph.build(
            JobSettings.bounded(env),
            events,
            position -> sources.of(stream),
            new FeatureGraph.Options(List.of(Ask.always(0)), false, 0, Set.of()))
        .answers()
        .filter(Envelope::isQuestion)
        .map(AcceptedEvents::record)
        .returns(LogRecordSerializer.typeInfo(new RecordSchema("Event", stream.carried(), "")))
        .uid("event:" + stream.name())
        .name("event:" + stream.name());
  }

  private static StreamPlan stream(Plan events) {
    return events.streams().get(0);
  }

  private static LogRecord record(Envelope event) {
    LogRecord record = new LogRecord();
    record.partition = event.partition;
    record.offset = event.offset;
    record.appendTime = event.appendTime;
    record.eventTime = event.eventTime;
    record.values = event.values;
    return record;
  }
}

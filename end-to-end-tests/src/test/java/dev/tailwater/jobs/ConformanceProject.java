package dev.tailwater.jobs;

import dev.tailwater.connectors.log.LogRecord;
import dev.tailwater.definitions.ProjectLoader;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.PlanCompiler;
import dev.tailwater.plan.StreamPlan;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import dev.tailwater.schemas.RecordFormat;
import dev.tailwater.schemas.RowChange;
import dev.tailwater.schemas.Timestamps;
import dev.tailwater.schemas.UndecodableRecordException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.Dump;
import org.snakeyaml.engine.v2.api.DumpSettings;
import org.snakeyaml.engine.v2.common.FlowStyle;

/**
 * A case as a project folder, and its events as records of the log.
 *
 * @param views positions of the views that are asked, ascending
 * @param records per stream of the plan, in arrival order
 */
record ConformanceProject(Plan plan, int[] views, List<List<LogRecord>> records) {

  private static final String DAY = "2026-01-01T";

  /** Writes the project into an empty folder and compiles it. */
  static ConformanceProject of(ConformanceCase one, Path folder) throws IOException {
    List<Map<String, @Nullable Object>> documents = new ArrayList<>();
    for (Map<String, @Nullable Object> document : one.definition()) {
      Map<String, @Nullable Object> written = new LinkedHashMap<>(document);
      Object columns = written.remove("columns");
      if (columns != null) {
        String contract = document.get("name") + ".avsc";
        Files.writeString(folder.resolve(contract), contract(ConformanceCase.map(columns)));
        written.put("schema", contract);
      }
      documents.add(written);
    }
    DumpSettings flow =
        DumpSettings.builder()
            .setDefaultFlowStyle(FlowStyle.FLOW)
            .setExplicitStart(true)
            .setWidth(Integer.MAX_VALUE)
            .build();
    Files.writeString(
        folder.resolve("project.yaml"), new Dump(flow).dumpAllToString(documents.iterator()));
    Plan plan = PlanCompiler.compile(ProjectLoader.load(folder));
    List<String> views = plan.views().stream().map(view -> view.name()).toList();
    int[] asked =
        one.questions().stream()
            .map(question -> question.asked().getOrDefault("view", one.lastView()))
            .mapToInt(views::indexOf)
            .distinct()
            .sorted()
            .toArray();
    return new ConformanceProject(plan, asked, records(one, plan));
  }

  /**
   * The plan for answers that know every accepted event. An answer is given when nothing earlier is
   * expected; where records come later than that, though not too late, their whole lateness becomes
   * expected disorder: the verdicts depend on the sum of both only.
   */
  Plan waitingForLate() {
    List<StreamPlan> streams = new ArrayList<>();
    for (int i = 0; i < records.size(); i++) {
      StreamPlan stream = plan.streams().get(i);
      boolean late = someAreLate(i);
      streams.add(
          late
              ? new StreamPlan(
                  stream.name(),
                  stream.topic(),
                  stream.format(),
                  stream.schema(),
                  stream.eventTime(),
                  stream.eventId(),
                  stream.messageKey(),
                  stream.disorderMs() + stream.latenessMs(),
                  0,
                  stream.idleAfterMs(),
                  stream.aheadMs(),
                  stream.computed(),
                  stream.expectations(),
                  stream.carried(),
                  stream.carriedFrom())
              : stream);
    }
    streams.addAll(plan.streams().subList(records.size(), plan.streams().size()));
    return new Plan(
        plan.project(), streams, plan.entities(), plan.views(), plan.models(), plan.chains());
  }

  /** Whether records come when nothing as early is expected any more. */
  boolean someAreLate() {
    return IntStream.range(0, records.size()).anyMatch(this::someAreLate);
  }

  private boolean someAreLate(int stream) {
    int eventTime = plan.streams().get(stream).eventTime();
    long disorderMs = plan.streams().get(stream).disorderMs();
    Map<Integer, Long> newest = new HashMap<>();
    for (LogRecord record : records.get(stream)) {
      long oldest = record.eventTime;
      if (record.before != null && record.before[eventTime] instanceof Long before) {
        oldest = Math.min(oldest, before);
      }
      long known = newest.merge(record.partition, record.eventTime, Math::max);
      if (record.problem == null && known - oldest > disorderMs) {
        return true;
      }
    }
    return false;
  }

  private static String contract(Map<String, @Nullable Object> columns) {
    List<String> fields = new ArrayList<>();
    columns.forEach(
        (name, type) ->
            fields.add(
                "{\"name\": \"%s\", \"type\": [\"null\", %s]}"
                    .formatted(
                        name,
                        "timestamp".equals(type)
                            ? "{\"type\": \"long\", \"logicalType\": \"timestamp-millis\"}"
                            : "\"" + type + "\"")));
    return "{\"type\": \"record\", \"name\": \"Event\", \"fields\": [%s]}"
        .formatted(String.join(", ", fields));
  }

  // ---- events

  private static List<List<LogRecord>> records(ConformanceCase one, Plan plan) {
    List<List<LogRecord>> records = new ArrayList<>();
    List<String> names = new ArrayList<>();
    for (StreamPlan stream : plan.streams()) {
      names.add(stream.name());
      records.add(new ArrayList<>());
    }
    Object first = one.documents("stream").get(0).get("name");
    Map<List<Integer>, Long> offsets = new HashMap<>();
    int number = 0;
    for (Map<String, @Nullable Object> event : one.events()) {
      int stream = names.indexOf(event.getOrDefault("stream", first));
      LogRecord record = record(plan.streams().get(stream), event, number++);
      record.partition = event.get("partition") instanceof Integer partition ? partition : 0;
      record.offset = offsets.merge(List.of(stream, record.partition), 1L, Long::sum) - 1;
      records.get(stream).add(record);
    }
    return records;
  }

  private static LogRecord record(
      StreamPlan stream, Map<String, @Nullable Object> event, int number) {
    LogRecord record = new LogRecord();
    if (event.get("appended") != null) {
      record.appendTime = instant((String) Objects.requireNonNull(event.get("appended")));
    }
    if (stream.format() != RecordFormat.DEBEZIUM_JSON) {
      record.take(
          RowChange.insert(row(stream, event, number)), stream.schema(), stream.eventTime());
      return record;
    }
    String envelope =
        "{\"op\": \"%s\", \"before\": %s, \"after\": %s}"
            .formatted(
                event.get("op"),
                image(stream, event.get("before"), number),
                image(stream, event.get("after"), number));
    byte[] bytes = envelope.getBytes(StandardCharsets.UTF_8);
    try {
      record.take(
          stream.format().decoder(stream.schema()).decodeChange(bytes),
          stream.schema(),
          stream.eventTime());
    } catch (UndecodableRecordException e) {
      record.problem = String.valueOf(e.getMessage());
      record.bytes = bytes;
    }
    return record;
  }

  private static String image(StreamPlan stream, @Nullable Object row, int number) {
    return row == null
        ? "null"
        : new String(
            RecordFormat.JSON
                .encoder(stream.schema())
                .encode(row(stream, ConformanceCase.map(row), number)),
            StandardCharsets.UTF_8);
  }

  private static @Nullable Object[] row(
      StreamPlan stream, Map<String, @Nullable Object> given, int number) {
    List<Column> columns = stream.schema().columns();
    @Nullable Object[] row = new Object[columns.size()];
    for (int i = 0; i < row.length; i++) {
      String name = i == stream.eventTime() ? "at" : columns.get(i).name();
      ColumnType type = columns.get(i).type();
      row[i] = value(given.get(name), type);
      if (i == stream.eventId() && row[i] == null) {
        row[i] = type == ColumnType.STRING ? "event-" + number : value(number, type);
      }
    }
    return row;
  }

  /** A value of a file as one of a column. */
  static @Nullable Object value(@Nullable Object given, ColumnType type) {
    if (given == null) {
      return null;
    }
    return switch (type) {
      case INT -> ((Number) given).intValue();
      case LONG -> ((Number) given).longValue();
      case DOUBLE -> given instanceof Number number ? number.doubleValue() : special(given);
      case TIMESTAMP -> instant((String) given);
      default -> given;
    };
  }

  private static double special(Object given) {
    return Double.parseDouble((String) given);
  }

  /** Milliseconds since the epoch; a time of day is one of 2026-01-01, in UTC. */
  static long instant(String text) {
    if (text.length() > 2 && text.charAt(2) == ':') {
      return Timestamps.parse(DAY + text + (text.length() == 5 ? ":00Z" : "Z"));
    }
    return Timestamps.parse(text);
  }
}

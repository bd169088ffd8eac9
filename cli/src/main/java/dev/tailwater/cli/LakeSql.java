package dev.tailwater.cli;

import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.connectors.log.LogRecord;
import dev.tailwater.definitions.StreamDefinition;
import dev.tailwater.jobs.AcceptedEvents;
import dev.tailwater.jobs.BoundedSources;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.PlanCompiler;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.CoreOptions;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.SqlParserException;
import org.apache.flink.table.api.TableResult;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.table.api.internal.TableEnvironmentInternal;
import org.apache.flink.table.data.GenericRowData;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.data.StringData;
import org.apache.flink.table.data.TimestampData;
import org.apache.flink.table.operations.Operation;
import org.apache.flink.table.runtime.typeutils.InternalTypeInfo;
import org.apache.flink.table.types.logical.BigIntType;
import org.apache.flink.table.types.logical.BooleanType;
import org.apache.flink.table.types.logical.DoubleType;
import org.apache.flink.table.types.logical.IntType;
import org.apache.flink.table.types.logical.LocalZonedTimestampType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.table.types.logical.VarCharType;
import org.jspecify.annotations.Nullable;

/**
 * Flink SQL over the lake in batch mode; instants are in UTC. The events of a project's streams are
 * the tables {@code streams.<stream>}: decoded and checked with its definitions of now.
 */
final class LakeSql {

  /** The name that the lake has in SQL. */
  static final String CATALOG = "tailwater";

  /** Behind the stream's own columns: the event's time, its place in the log, and when it came. */
  private static final List<Column> OWN_COLUMNS =
      List.of(
          new Column("_event_time", ColumnType.TIMESTAMP, false),
          new Column("_partition", ColumnType.INT, false),
          new Column("_offset", ColumnType.LONG, false),
          new Column("_append_time", ColumnType.TIMESTAMP, true));

  /** How the parser names the first word that it did not expect, as in {@code ". raw"}. */
  private static final Pattern UNEXPECTED =
      Pattern.compile("(?:Encountered \"|keyword ')[^\"'\\w<]*([A-Za-z_]\\w*)");

  private final StreamExecutionEnvironment environment;
  private final StreamTableEnvironment tables;

  private LakeSql(StreamExecutionEnvironment environment, StreamTableEnvironment tables) {
    this.environment = environment;
    this.tables = tables;
  }

  /**
   * Opens the lake.
   *
   * @param lake if there is none, only streams can be read
   * @param temporary where Flink spills to
   */
  static LakeSql open(Optional<Lake> lake, Path temporary) {
    Configuration configuration = new Configuration();
    configuration.set(CoreOptions.DEFAULT_PARALLELISM, 2);
    configuration.set(CoreOptions.TMP_DIRS, temporary.toString());
    configuration.set(TaskManagerOptions.MANAGED_MEMORY_SIZE, MemorySize.ofMebiBytes(256));
    configuration.setString("table.local-time-zone", "UTC");
    // Hadoop keeps the class loader that it was first used with, and asks it at the JVM's end.
    configuration.set(CoreOptions.CHECK_LEAKED_CLASSLOADER, false);
    StreamExecutionEnvironment environment =
        StreamExecutionEnvironment.createLocalEnvironment(2, configuration);
    StreamTableEnvironment tables =
        StreamTableEnvironment.create(
            environment,
            EnvironmentSettings.newInstance()
                .inBatchMode()
                .withConfiguration(configuration)
                .build());
    if (lake.isPresent()) {
      tables.executeSql(
          "CREATE CATALOG "
              + CATALOG
              + " WITH ("
              + options(lake.get().sqlCatalogProperties())
              + ")");
      tables.executeSql("USE CATALOG " + CATALOG);
    }
    return new LakeSql(environment, tables);
  }

  private static String options(Map<String, String> catalog) {
    List<String> options = new ArrayList<>();
    catalog.forEach((key, value) -> options.add(quote(key) + " = " + quote(value)));
    return String.join(", ", options);
  }

  private static String quote(String text) {
    return "'" + text.replace("'", "''") + "'";
  }

  /**
   * Adds the events of a project's streams, of those that a statement may mean: what it does not
   * name need not have a history.
   */
  LakeSql withStreams(LoadedProject project, BoundedSources history, String statement) {
    for (StreamDefinition stream : project.definitions().streams()) {
      if (statement.contains(stream.name())) {
        Plan events = PlanCompiler.events(project.definitions(), stream);
        List<Column> columns = new ArrayList<>(AcceptedEvents.columns(events));
        columns.addAll(OWN_COLUMNS);
        RowType type =
            RowType.of(
                columns.stream().map(c -> type(c.type())).toArray(LogicalType[]::new),
                columns.stream().map(Column::name).toArray(String[]::new));
        tables.createTemporaryView(
            "streams.`" + stream.name() + "`",
            AcceptedEvents.of(environment, events, history)
                .map(new ToRow(columns))
                .returns(InternalTypeInfo.of(type))
                .uid("row:" + stream.name())
                .name("row:" + stream.name()));
      }
    }
    return this;
  }

  private static LogicalType type(ColumnType type) {
    return switch (type) {
      case BOOLEAN -> new BooleanType();
      case INT -> new IntType();
      case LONG -> new BigIntType();
      case DOUBLE -> new DoubleType();
      case STRING -> VarCharType.STRING_TYPE;
      case TIMESTAMP -> new LocalZonedTimestampType(3);
      case LONG_LIST, DOUBLE_LIST, STRING_LIST, LONG_MAP, DOUBLE_MAP ->
          throw new IllegalStateException("No stream has a column of " + type);
    };
  }

  /** What a statement is, as the parser understands it. */
  List<Operation> parse(String statement) {
    try {
      return ((TableEnvironmentInternal) tables).getParser().parse(statement);
    } catch (SqlParserException | ValidationException e) {
      throw wrongStatement(e);
    }
  }

  /** Runs one statement. */
  TableResult execute(String statement) {
    try {
      return tables.executeSql(statement);
    } catch (SqlParserException | ValidationException e) {
      throw wrongStatement(e);
    }
  }

  /** A statement without the semicolon that people put behind it. */
  static String stripped(String statement) {
    String text = statement.strip();
    return text.endsWith(";") ? text.substring(0, text.length() - 1) : text;
  }

  private static CommandFailedException wrongStatement(Exception problem) {
    Throwable innermost = problem;
    while (innermost.getCause() != null) {
      innermost = innermost.getCause();
    }
    // The parser lists the hundreds of words that it would have taken.
    String message = String.valueOf(innermost.getMessage()).split("\\.?\\R\\s*Was expecting", 2)[0];
    Matcher unexpected = UNEXPECTED.matcher(message);
    String next = "; correct it and try again";
    if (message.contains("not found") || message.contains("Cannot find table")) {
      next = "; SHOW DATABASES and SHOW TABLES IN a_database list what there is";
    } else if (unexpected.find()) {
      next =
          "; if %s is a name, it is a keyword as well: write it in backticks, as in tailwater.`raw`.transactions"
              .formatted(unexpected.group(1));
    }
    return new CommandFailedException("the statement is not valid: " + message + next, problem);
  }

  /** An event as a row of Flink SQL. */
  private static final class ToRow implements MapFunction<LogRecord, RowData> {

    private final ColumnType[] types;

    ToRow(List<Column> columns) {
      types = columns.stream().map(Column::type).toArray(ColumnType[]::new);
    }

    @Override
    public RowData map(LogRecord event) {
      @Nullable Object[] values = Objects.requireNonNull(event.values);
      GenericRowData row = new GenericRowData(types.length);
      for (int i = 0; i < values.length; i++) {
        row.setField(i, value(types[i], values[i]));
      }
      row.setField(values.length, TimestampData.fromEpochMillis(event.eventTime));
      row.setField(values.length + 1, event.partition);
      row.setField(values.length + 2, event.offset);
      if (event.appendTime != Long.MAX_VALUE) {
        row.setField(values.length + 3, TimestampData.fromEpochMillis(event.appendTime));
      }
      return row;
    }

    private static @Nullable Object value(ColumnType type, @Nullable Object value) {
      if (value == null) {
        return null;
      }
      return switch (type) {
        case STRING -> StringData.fromString((String) value);
        case TIMESTAMP -> TimestampData.fromEpochMillis((Long) value);
        default -> value;
      };
    }
  }
}

package dev.tailwater.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.CoreOptions;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.SqlParserException;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.table.api.TableResult;
import org.apache.flink.table.api.ValidationException;
import org.apache.flink.table.api.internal.TableEnvironmentInternal;
import org.apache.flink.table.catalog.Column;
import org.apache.flink.table.operations.DescribeTableOperation;
import org.apache.flink.table.operations.ExplainOperation;
import org.apache.flink.table.operations.Operation;
import org.apache.flink.table.operations.QueryOperation;
import org.apache.flink.table.operations.ShowOperation;
import org.apache.flink.table.types.logical.LogicalTypeFamily;
import org.apache.flink.types.Row;
import org.apache.flink.util.CloseableIterator;
import org.jspecify.annotations.Nullable;

/** {@code tailwater sql}: one Flink SQL statement over the lake, in batch mode. */
final class SqlCommand {

  /** The name that the lake has in SQL. */
  static final String CATALOG = "tailwater";

  private final Console console;

  SqlCommand(Console console) {
    this.console = console;
  }

  /**
   * Runs one statement and prints its rows.
   *
   * @param catalog the options of the lake's catalog in {@code CREATE CATALOG}
   * @param write whether statements that change something are allowed
   * @param json one JSON object a row instead of a table
   * @param limit the most rows to print, at least 1
   */
  int run(String statement, Map<String, String> catalog, boolean write, boolean json, int limit) {
    if (limit < 1) {
      throw new CommandFailedException("--limit is " + limit + "; ask for at least one row");
    }
    TableEnvironment tables =
        TableEnvironment.create(
            EnvironmentSettings.newInstance()
                .inBatchMode()
                .withConfiguration(configuration())
                .build());
    tables.executeSql("CREATE CATALOG " + CATALOG + " WITH (" + options(catalog) + ")");
    tables.executeSql("USE CATALOG " + CATALOG);
    String text = statement.strip();
    if (text.endsWith(";")) {
      text = text.substring(0, text.length() - 1);
    }
    if (!write) {
      requireReadOnly(tables, text);
    }
    print(execute(tables, text), json, limit);
    return Main.OK;
  }

  private static Configuration configuration() {
    Configuration configuration = new Configuration();
    configuration.set(CoreOptions.DEFAULT_PARALLELISM, 2);
    configuration.set(TaskManagerOptions.MANAGED_MEMORY_SIZE, MemorySize.ofMebiBytes(256));
    return configuration;
  }

  private static String options(Map<String, String> catalog) {
    List<String> options = new ArrayList<>();
    catalog.forEach((key, value) -> options.add(quote(key) + " = " + quote(value)));
    return String.join(", ", options);
  }

  private static String quote(String text) {
    return "'" + text.replace("'", "''") + "'";
  }

  /** Judged by what the parser understood, so that no spelling of a change slips through. */
  private static void requireReadOnly(TableEnvironment tables, String statement) {
    List<Operation> operations = parse(tables, statement);
    for (Operation operation : operations) {
      boolean reads =
          operation instanceof QueryOperation
              || operation instanceof ShowOperation
              || operation instanceof DescribeTableOperation
              || operation instanceof ExplainOperation;
      if (!reads) {
        throw new CommandFailedException(
            "the statement changes something or is not a query, and sql is read-only: "
                + "use SELECT, SHOW, DESCRIBE or EXPLAIN, or add --write if you mean it");
      }
    }
  }

  private static List<Operation> parse(TableEnvironment tables, String statement) {
    try {
      return ((TableEnvironmentInternal) tables).getParser().parse(statement);
    } catch (SqlParserException | ValidationException e) {
      throw wrongStatement(e);
    }
  }

  private static TableResult execute(TableEnvironment tables, String statement) {
    try {
      return tables.executeSql(statement);
    } catch (SqlParserException | ValidationException e) {
      throw wrongStatement(e);
    }
  }

  private static CommandFailedException wrongStatement(Exception problem) {
    Throwable innermost = problem;
    while (innermost.getCause() != null) {
      innermost = innermost.getCause();
    }
    String message = String.valueOf(innermost.getMessage());
    return new CommandFailedException(
        "the statement is not valid: "
            + message
            + (message.contains("not found") || message.contains("Cannot find table")
                ? "; SHOW DATABASES and SHOW TABLES IN a_database list what there is"
                : "; correct it and try again"),
        problem);
  }

  private static String cell(@Nullable Object value) {
    if (value == null) {
      return "NULL";
    }
    return value instanceof Object[] || value instanceof Map ? Json.write(value) : value.toString();
  }

  private void print(TableResult result, boolean json, int limit) {
    List<Column> columns = result.getResolvedSchema().getColumns();
    List<String> names = columns.stream().map(Column::getName).toList();
    boolean[] numeric = new boolean[columns.size()];
    for (int i = 0; i < numeric.length; i++) {
      numeric[i] = columns.get(i).getDataType().getLogicalType().is(LogicalTypeFamily.NUMERIC);
    }
    TextTable table = new TextTable(names, numeric);
    int count = 0;
    boolean more = false;
    try (CloseableIterator<Row> rows = result.collect()) {
      while (rows.hasNext()) {
        if (count == limit) {
          more = true;
          break;
        }
        Row row = rows.next();
        count++;
        if (json) {
          Map<String, @Nullable Object> fields = new LinkedHashMap<>();
          for (int i = 0; i < names.size(); i++) {
            fields.put(names.get(i), row.getField(i));
          }
          console.print(Json.write(fields));
        } else {
          List<String> cells = new ArrayList<>();
          for (int i = 0; i < names.size(); i++) {
            cells.add(cell(row.getField(i)));
          }
          table.add(cells);
        }
      }
    } catch (Exception e) {
      throw new CommandFailedException("the query failed: " + Failures.describe(e), e);
    }
    if (!json) {
      table.lines().forEach(console::print);
    }
    if (more) {
      console.say("the first " + limit + " rows; --limit N shows more");
    } else if (!json) {
      console.say(count == 1 ? "1 row" : count + " rows");
    }
  }
}

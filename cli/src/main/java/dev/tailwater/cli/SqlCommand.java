package dev.tailwater.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.table.api.TableResult;
import org.apache.flink.table.catalog.Column;
import org.apache.flink.table.operations.DescribeTableOperation;
import org.apache.flink.table.operations.ExplainOperation;
import org.apache.flink.table.operations.ModifyOperation;
import org.apache.flink.table.operations.Operation;
import org.apache.flink.table.operations.QueryOperation;
import org.apache.flink.table.operations.ShowOperation;
import org.apache.flink.table.types.logical.LogicalTypeFamily;
import org.apache.flink.types.Row;
import org.apache.flink.util.CloseableIterator;
import org.jspecify.annotations.Nullable;

/** {@code tailwater sql}: one Flink SQL statement over the lake, in batch mode. */
final class SqlCommand {

  private final Console console;

  SqlCommand(Console console) {
    this.console = console;
  }

  /**
   * Runs one statement and prints its rows.
   *
   * @param write whether statements that change something are allowed
   * @param json one JSON object a row instead of a table
   * @param limit the most rows to print, at least 1
   */
  int run(String statement, LakeSql sql, boolean write, boolean json, int limit) {
    if (limit < 1) {
      throw new CommandFailedException("--limit is " + limit + "; ask for at least one row");
    }
    String text = LakeSql.stripped(statement);
    if (!write) {
      requireReadOnly(sql, text);
    }
    boolean changesRows = sql.parse(text).stream().anyMatch(ModifyOperation.class::isInstance);
    TableResult result = sql.execute(text);
    if (changesRows) {
      finish(result);
    } else {
      print(result, json, limit);
    }
    return Main.OK;
  }

  /** Its rows are the number of rows written, which nobody knows: closing them would cancel it. */
  private void finish(TableResult written) {
    try {
      JobClient job = written.getJobClient().orElseThrow();
      var unused = job.getJobExecutionResult().get();
    } catch (ExecutionException e) {
      throw new CommandFailedException("the statement failed: " + Failures.describe(e), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CommandFailedException("the statement was interrupted; run it again", e);
    }
    console.say("written");
  }

  /** Judged by what the parser understood, so that no spelling of a change slips through. */
  private static void requireReadOnly(LakeSql sql, String statement) {
    for (Operation operation : sql.parse(statement)) {
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

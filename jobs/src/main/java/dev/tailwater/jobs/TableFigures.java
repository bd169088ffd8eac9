package dev.tailwater.jobs;

import dev.tailwater.connectors.iceberg.Lake;
import dev.tailwater.connectors.iceberg.LakeTables;
import dev.tailwater.connectors.iceberg.TableReport;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.ToLongFunction;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.MetricGroup;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gauges of every table of a lake, read again with each element: {@code smallFiles}, {@code
 * dataFiles}, {@code bytes}, {@code rows} and {@code snapshots} in the metric group {@code
 * tailwater.table.<name>}.
 */
final class TableFigures extends RichMapFunction<Long, Long> {

  private static final Logger LOG = LoggerFactory.getLogger(TableFigures.class);

  private final Lake lake;
  private final long smallFileBytes;

  /** What the gauges show; another thread reads it. */
  private transient Map<String, TableReport> newest;

  TableFigures(Lake lake, long smallFileBytes) {
    this.lake = lake;
    this.smallFileBytes = smallFileBytes;
  }

  @Override
  public void open(OpenContext context) {
    newest = new ConcurrentHashMap<>();
  }

  @Override
  public Long map(Long round) {
    try {
      for (TableReport table : new LakeTables(lake).report(smallFileBytes)) {
        if (newest.put(table.name(), table) == null) {
          register(table.name());
        }
      }
    } catch (RuntimeException e) {
      // A catalog that does not answer now keeps its last figures; tables are none the worse.
      LOG.warn("The tables of {} could not be looked at; it is tried again next time", lake, e);
    }
    return round;
  }

  private void register(String table) {
    MetricGroup group =
        getRuntimeContext().getMetricGroup().addGroup("tailwater").addGroup("table", table);
    gauge(group, "smallFiles", table, TableReport::smallFiles);
    gauge(group, "dataFiles", table, TableReport::dataFiles);
    gauge(group, "bytes", table, TableReport::bytes);
    gauge(group, "rows", table, TableReport::rows);
    gauge(group, "snapshots", table, TableReport::snapshots);
  }

  private void gauge(
      MetricGroup group, String name, String table, ToLongFunction<TableReport> figure) {
    Map<String, TableReport> figures = newest;
    Gauge<Long> gauge =
        () -> {
          TableReport report = figures.get(table);
          return report == null ? 0 : figure.applyAsLong(report);
        };
    Object unused = group.gauge(name, gauge);
  }
}

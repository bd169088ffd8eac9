package dev.tailwater.connectors.iceberg;

import dev.tailwater.connectors.log.LogRecord;
import dev.tailwater.connectors.store.EntityKeys;
import dev.tailwater.connectors.store.FeatureRow;
import dev.tailwater.connectors.store.FeatureRowSerializer;
import dev.tailwater.connectors.store.FeatureViewLayout;
import dev.tailwater.schemas.Column;
import java.io.Closeable;
import java.io.IOException;
import java.io.Serializable;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.BiPredicate;
import java.util.function.Function;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.api.connector.source.Source;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.DataStreamSink;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.data.RowData;
import org.apache.flink.table.runtime.typeutils.InternalTypeInfo;
import org.apache.flink.table.types.logical.RowType;
import org.apache.hadoop.conf.Configuration;
import org.apache.iceberg.FileScanTask;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.Catalog;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.SupportsNamespaces;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.data.IcebergGenerics;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.exceptions.NoSuchTableException;
import org.apache.iceberg.exceptions.RESTException;
import org.apache.iceberg.expressions.Expression;
import org.apache.iceberg.expressions.Expressions;
import org.apache.iceberg.flink.CatalogLoader;
import org.apache.iceberg.flink.FlinkSchemaUtil;
import org.apache.iceberg.flink.TableLoader;
import org.apache.iceberg.flink.sink.IcebergSink;
import org.apache.iceberg.flink.source.IcebergSource;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.jdbc.UncheckedSQLException;
import org.apache.iceberg.types.Conversions;
import org.apache.iceberg.types.Types;
import org.apache.iceberg.types.Types.NestedField;

/**
 * The tables of one installation: {@code raw.<stream>}, {@code features.<view>}, {@code
 * predictions.<model>} and {@code training.<name>}. The columns stand in docs/tables.md. Immutable
 * and thread-safe; catalogs are opened when needed.
 */
public final class Lake implements Serializable {

  /** A JDBC catalog keeps its tables under its name: everyone must use the same one. */
  public static final String CATALOG_NAME = "tailwater";

  private static final String FEATURES = "features";
  private static final String TRAINING = "training";
  private static final String PREDICTIONS = "predictions";
  private static final String RAW = "raw";

  private static final String CATALOG_TYPE = "catalog-type";
  private static final String CATALOG_IMPL = "catalog-impl";
  private static final String JDBC_CATALOG = "org.apache.iceberg.jdbc.JdbcCatalog";

  private static final int OPEN_ATTEMPTS = 3;
  private static final int MOST_INSTANTS = 1_000;
  private static final long MICROS_PER_MS = 1_000;

  /** As Flink SQL names them, without {@code type}. */
  private final LinkedHashMap<String, String> properties;

  private Lake(Map<String, String> properties) {
    AvroClasses.load();
    this.properties = new LinkedHashMap<>(properties);
  }

  /**
   * A lake in a folder: the tables under {@code warehouse}, their catalog in the SQLite file {@code
   * catalog.db}. For one machine; several processes may use it at once.
   *
   * @param directory created if absent
   */
  public static Lake local(Path directory) {
    Path absolute = directory.toAbsolutePath().normalize();
    try {
      Files.createDirectories(absolute.resolve("warehouse"));
    } catch (IOException e) {
      throw new UncheckedIOException(
          "The lake's folder " + absolute + " cannot be created: check its parent and permissions",
          e);
    }
    Map<String, String> properties = new LinkedHashMap<>();
    properties.put(CATALOG_IMPL, JDBC_CATALOG);
    properties.put("uri", "jdbc:sqlite:" + absolute.resolve("catalog.db"));
    properties.put("warehouse", "file://" + absolute.resolve("warehouse"));
    properties.put("jdbc.schema-version", "V1");
    // Readers do not wait for the writer, and a second writer waits for the first one's commit.
    properties.put("jdbc.journal_mode", "WAL");
    properties.put("jdbc.busy_timeout", "30000");
    return new Lake(properties);
  }

  /**
   * A lake in any Iceberg catalog.
   *
   * @param catalogProperties as in Flink SQL's {@code CREATE CATALOG}: {@code catalog-type} ({@code
   *     rest}, {@code jdbc} or {@code hadoop}) or {@code catalog-impl}, {@code uri}, {@code
   *     warehouse} and so on
   * @throws IllegalArgumentException if the properties do not say which catalog
   */
  public static Lake of(Map<String, String> catalogProperties) {
    Map<String, String> properties = new LinkedHashMap<>(catalogProperties);
    properties.remove("type");
    String type = properties.get(CATALOG_TYPE);
    if ("jdbc".equals(type)) {
      properties.remove(CATALOG_TYPE);
      properties.put(CATALOG_IMPL, JDBC_CATALOG);
      properties.putIfAbsent("jdbc.schema-version", "V1");
    } else if (type == null
        ? !properties.containsKey(CATALOG_IMPL)
        : !Set.of("rest", "hadoop").contains(type)) {
      throw new IllegalArgumentException(
          "The lake's catalog-type ("
              + type
              + ") must be rest, jdbc or hadoop, or catalog-impl must name a class");
    }
    return new Lake(properties);
  }

  /** Opens the catalog on any machine of a cluster. */
  public CatalogLoader catalogLoader() {
    Configuration hadoop = new Configuration();
    String type = properties.get(CATALOG_TYPE);
    String implementation = properties.get(CATALOG_IMPL);
    if (implementation != null) {
      return CatalogLoader.custom(CATALOG_NAME, properties, hadoop, implementation);
    }
    return "hadoop".equals(type)
        ? CatalogLoader.hadoop(CATALOG_NAME, hadoop, properties)
        : CatalogLoader.rest(CATALOG_NAME, hadoop, properties);
  }

  /**
   * Opens the catalog; one that is {@link Closeable} is the caller's to close.
   *
   * @throws IllegalStateException if it does not answer; the message names it and the next step
   */
  public Catalog openCatalog() {
    for (int attempt = 1; ; attempt++) {
      try {
        return catalogLoader().loadCatalog();
      } catch (UncheckedSQLException e) {
        // Two first users of a new JDBC catalog may create its tables at once: one of them fails,
        // and finds them when it looks again.
        if (attempt == OPEN_ATTEMPTS) {
          throw notOpened(e);
        }
      } catch (RESTException e) {
        throw notOpened(e);
      }
    }
  }

  private IllegalStateException notOpened(RuntimeException problem) {
    Throwable innermost = problem;
    while (innermost.getCause() != null) {
      innermost = innermost.getCause();
    }
    // An address may hold a password: before its host, or behind it.
    String address =
        properties
            .getOrDefault("uri", "an address that is not given")
            .replaceAll("//[^/@]*@", "//")
            .replaceAll("[?;].*", "");
    return new IllegalStateException(
        "The lake's catalog at %s cannot be opened: %s. Start it, or correct lake.catalog in the environment file."
            .formatted(address, innermost.getMessage()),
        problem);
  }

  /** What to write into Flink SQL's {@code CREATE CATALOG tailwater WITH (...)}. */
  public Map<String, String> sqlCatalogProperties() {
    Map<String, String> sql = new LinkedHashMap<>();
    sql.put("type", "iceberg");
    sql.putAll(properties);
    return sql;
  }

  /** The name of a view's table in the catalog. */
  public static TableIdentifier featureTable(String view) {
    return TableIdentifier.of(FEATURES, view);
  }

  /** The name of a model's predictions table in the catalog. */
  public static TableIdentifier predictionTable(String model) {
    return TableIdentifier.of(PREDICTIONS, model);
  }

  /** The name of the table with a stream's raw records in the catalog. */
  public static TableIdentifier rawTable(String stream) {
    return TableIdentifier.of(RAW, stream);
  }

  /** Creates the stream's raw table unless it exists. */
  public void ensureRawTable(String stream) {
    onCatalog(
        catalog -> {
          ensureNamespace(catalog, RAW);
          return RawTable.ensure(catalog, rawTable(stream), stream);
        });
  }

  /**
   * Checks that the history of a stream is not in the table of another name. Reads rows of other
   * raw tables, if the stream has no table of its own.
   *
   * @throws IllegalArgumentException if another table holds records of its topic
   */
  public void requireRawName(String stream, String topic) {
    onCatalog(
        catalog -> {
          if (!catalog.tableExists(rawTable(stream))) {
            for (TableIdentifier other : tables(catalog, RAW)) {
              if (RawTable.holds(catalog.loadTable(other), topic)) {
                throw new IllegalArgumentException(
                    "Stream %s reads topic %s, whose history is in table %s: that is the stream's old name, and under the new one the history would be left out. Call the stream %s, or drop the table if nobody needs its history."
                        .formatted(stream, topic, other, other.name()));
              }
            }
          }
          return stream;
        });
  }

  /**
   * How far the raw table of a stream reaches in its newest snapshot, from the table's metadata.
   *
   * @return empty if there is no such table, or nothing in it
   */
  public Optional<RawEnd> rawEnd(String stream) {
    return onCatalog(
        catalog -> {
          TableIdentifier name = rawTable(stream);
          return catalog.tableExists(name)
              ? RawTable.end(catalog.loadTable(name))
              : Optional.<RawEnd>empty();
        });
  }

  /**
   * Reads records of a stream back, decoded with its present contract: every archived record as the
   * log's own source tells it, bad ones included, with {@link LogRecord#newestIsExact}. Bounded; in
   * parallel and in no order of offsets: file by file in the order of their oldest replay time. A
   * streaming job gets a watermark with each file, below everything that is still to be read.
   * Exactly once into state.
   *
   * @param keepBytes whether good records keep their original bytes, too
   * @throws IllegalArgumentException if there is no such table
   */
  public Source<LogRecord, ?, ?> rawSource(RawStream stream, RawRange range, boolean keepBytes) {
    TableIdentifier name = rawTable(stream.name());
    return RawSource.of(tableLoader(name), load(name), stream, range, keepBytes);
  }

  /**
   * How far the predictions table of a model reaches: by the partition of the log the offset after
   * the last archived one. Reads two columns of the whole table.
   *
   * @return empty if there is no such table, or nothing in it
   */
  public Map<Integer, Long> predictionEnds(String model) {
    return onCatalog(
        catalog -> {
          TableIdentifier name = predictionTable(model);
          return catalog.tableExists(name)
              ? PredictionTable.ends(catalog.loadTable(name))
              : Map.<Integer, Long>of();
        });
  }

  /**
   * Creates the view's table, or adds the columns that it lacks; readers use the layout's version
   * from now on if they use none yet.
   *
   * @throws IllegalArgumentException if a column has another type, or the entity key changed: a
   *     table keeps its history and cannot be rewritten in place
   */
  public void ensureFeatureTable(FeatureViewLayout layout) {
    onCatalog(
        catalog -> {
          Table table = evolved(catalog, layout);
          FeatureTable.activateFirst(table, layout.version());
          return table;
        });
  }

  /**
   * As {@link #ensureFeatureTable}, but readers do not use the layout's version before it is
   * activated, also if they use no other.
   */
  public void evolveFeatureTable(FeatureViewLayout layout) {
    onCatalog(catalog -> evolved(catalog, layout));
  }

  /**
   * Why {@link #ensureFeatureTable} would refuse a view's table, with the next step; empty if it
   * would not, or there is no table yet. Nothing is changed.
   */
  public Optional<String> featureTableProblem(FeatureViewLayout layout) {
    return onCatalog(
        catalog -> {
          TableIdentifier name = featureTable(layout.view());
          if (catalog.tableExists(name)) {
            try {
              FeatureTable.requireFits(catalog.loadTable(name), layout);
            } catch (IllegalArgumentException e) {
              return Optional.of(String.valueOf(e.getMessage()));
            }
          }
          return Optional.<String>empty();
        });
  }

  private static Table evolved(Catalog catalog, FeatureViewLayout layout) {
    ensureNamespace(catalog, FEATURES);
    return FeatureTable.ensure(catalog, featureTable(layout.view()), layout);
  }

  /**
   * A view as readers use it.
   *
   * @param version its definition version
   * @param features the meaning of each feature as a hash; empty if it was not recorded
   * @param previous the version that readers used before, if there was one
   */
  public record DeployedView(
      String version, Map<String, String> features, Optional<DeployedView> previous) {
    public DeployedView {
      features = Map.copyOf(features);
    }

    /** A view without a version before. */
    public DeployedView(String version, Map<String, String> features) {
      this(version, features, Optional.empty());
    }
  }

  /**
   * Makes readers use these versions, table by table in one commit each, and keeps those before.
   * The rows of all versions stay.
   *
   * @param views by name; what they say of previous versions has no meaning here
   * @throws IllegalArgumentException if a view has no table; those before it are activated
   */
  public void activate(Map<String, DeployedView> views) {
    onCatalog(
        catalog -> {
          new TreeMap<>(views)
              .forEach(
                  (name, view) -> FeatureTable.activate(loaded(catalog, featureTable(name)), view));
          return views;
        });
  }

  /** Forgets the version that readers of a view used before; its rows stay. */
  public void forgetPrevious(String view) {
    onCatalog(
        catalog -> {
          FeatureTable.forgetPrevious(loaded(catalog, featureTable(view)));
          return view;
        });
  }

  /**
   * Drops every feature table with its files. What they held can be computed again from the raw
   * tables and the log.
   */
  public void dropFeatureTables() {
    onCatalog(
        catalog -> {
          List<TableIdentifier> names = tables(catalog, FEATURES);
          names.forEach(name -> catalog.dropTable(name, true));
          return names;
        });
  }

  private static List<TableIdentifier> tables(Catalog catalog, String of) {
    Namespace namespace = Namespace.of(of);
    return catalog instanceof SupportsNamespaces namespaces
            && !namespaces.namespaceExists(namespace)
        ? List.of()
        : catalog.listTables(namespace);
  }

  /** The views that have a version that readers use, by name. */
  public Map<String, DeployedView> deployedViews() {
    return onCatalog(
        catalog -> {
          Map<String, DeployedView> views = new TreeMap<>();
          for (TableIdentifier name : tables(catalog, FEATURES)) {
            FeatureTable.deployed(catalog.loadTable(name))
                .ifPresent(view -> views.put(name.name(), view));
          }
          return views;
        });
  }

  /**
   * Records what the features of a view mean, for {@link #deployedViews}, if this is the version
   * that readers use.
   *
   * @param hashes by feature
   * @throws IllegalArgumentException if the view has no table
   */
  public void recordFeatures(String view, String version, Map<String, String> hashes) {
    onCatalog(
        catalog -> {
          FeatureTable.record(loaded(catalog, featureTable(view)), version, hashes);
          return view;
        });
  }

  /** Creates the model's predictions table unless it exists. */
  public void ensurePredictionTable(String model) {
    onCatalog(
        catalog -> {
          ensureNamespace(catalog, PREDICTIONS);
          return PredictionTable.ensure(catalog, predictionTable(model), model);
        });
  }

  /**
   * Appends the rows of one view that are for the offline store to its table, which is created or
   * evolved first. Exactly once in a checkpointed job, committed with each checkpoint; a bounded
   * job commits at its end. One writer per version of a view; writers of several versions share the
   * table. Which version readers use does not change.
   *
   * @param rows may hold other views' rows and rows for the online store only; they are left out
   * @param view the view's position in the plan
   * @param uid names the operators' state across releases; unique in the job
   */
  public DataStreamSink<RowData> appendFeatures(
      DataStream<FeatureRow> rows, int view, FeatureViewLayout layout, String uid) {
    evolveFeatureTable(layout);
    TableIdentifier name = featureTable(layout.view());
    Table table = load(name);
    RowType rowType = FlinkSchemaUtil.convert(table.schema());
    return append(
        rows.flatMap(
                new FeatureRowMapper(
                    view, layout, rowType.getFieldNames(), new LineageGuard(tableLoader(name))))
            .returns(InternalTypeInfo.of(rowType))
            // A thread of its own: closing files for a checkpoint does not delay an answer.
            .startNewChain()
            .uid(uid + "-rows")
            .name(uid + "-rows"),
        table,
        name,
        uid);
  }

  /**
   * Appends predictions to the model's table, which is created first. Exactly once in a
   * checkpointed job; a bounded job commits at its end. One writer per table.
   *
   * @param uid names the operators' state across releases; unique in the job
   */
  public DataStreamSink<RowData> appendPredictions(
      DataStream<ArchivedPrediction> predictions, String model, String uid) {
    ensurePredictionTable(model);
    return append(predictions, new PredictionMapper(), predictionTable(model), uid);
  }

  /**
   * Appends records of a stream to its raw table, which is created first. Exactly once in a
   * checkpointed job, committed with each checkpoint. One writer per table.
   *
   * @param records the records of each partition of the log in the order of their offsets, all of a
   *     partition in one task
   * @param uid names the operators' state across releases; unique in the job
   */
  public DataStreamSink<RowData> appendRaw(
      DataStream<ArchivedRecord> records, String stream, String uid) {
    ensureRawTable(stream);
    return append(records, new RawRowMapper(), rawTable(stream), uid);
  }

  private <T> DataStreamSink<RowData> append(
      DataStream<T> values, MapFunction<T, RowData> mapper, TableIdentifier name, String uid) {
    Table table = load(name);
    return append(
        values
            .map(new GuardedMapper<>(mapper, new RestoreGuard(tableLoader(name))))
            .returns(InternalTypeInfo.of(FlinkSchemaUtil.convert(table.schema())))
            .uid(uid + "-rows")
            .name(uid + "-rows"),
        table,
        name,
        uid);
  }

  private DataStreamSink<RowData> append(
      DataStream<RowData> rows, Table table, TableIdentifier name, String uid) {
    return IcebergSink.forRowData(rows)
        .table(table)
        .tableLoader(new GuardedTableLoader(tableLoader(name)))
        .uidSuffix(uid)
        .append();
  }

  TableLoader tableLoader(TableIdentifier name) {
    return TableLoader.fromCatalog(catalogLoader(), name);
  }

  /**
   * Every row of a view's table, in no order.
   *
   * @return to be closed by the caller
   * @throws IllegalArgumentException if there is no such table
   */
  public CloseableIterable<Record> readFeatures(String view) {
    return read(featureTable(view), Expressions.alwaysTrue());
  }

  /**
   * Every row of a stream's raw table, in no order.
   *
   * @return to be closed by the caller
   * @throws IllegalArgumentException if there is no such table
   */
  public CloseableIterable<Record> readRaw(String stream) {
    return read(rawTable(stream), Expressions.alwaysTrue());
  }

  /**
   * The rows of a view's table that are of one version of the view, as a bounded stream in no
   * order: all generations and revisions of them.
   *
   * @param env of a bounded job
   * @param view the position in the plan of the view to read
   * @param layouts of all views, by their positions in the plan; the view's version is the one read
   * @param uid names the source; unique in the job
   * @throws IllegalArgumentException if there is no such table, or it lacks a feature of the view
   */
  public DataStream<FeatureRow> features(
      StreamExecutionEnvironment env, int view, List<FeatureViewLayout> layouts, String uid) {
    FeatureViewLayout layout = layouts.get(view);
    TableIdentifier name = featureTable(layout.view());
    Table table = load(name);
    RowType rowType = FlinkSchemaUtil.convert(table.schema());
    IcebergSource<RowData> source =
        IcebergSource.forRowData()
            .tableLoader(tableLoader(name))
            .table(table)
            .filters(List.of(Expressions.equal(FeatureTable.DEFINITION_VERSION, layout.version())))
            .build();
    return env.fromSource(
            source, WatermarkStrategy.noWatermarks(), uid, InternalTypeInfo.of(rowType))
        .uid(uid)
        .flatMap(new FeatureRowReader(view, layout, rowType.getFieldNames()))
        .returns(FeatureRowSerializer.typeInfo(layouts))
        .uid(uid + "-of-version")
        .name(uid + "-of-version");
  }

  /**
   * Records the generation of the rows that the live writer of a version of a view writes now, for
   * whoever writes rows that must not win against them.
   *
   * @throws IllegalArgumentException if the view has no table
   */
  public void recordLiveGeneration(FeatureViewLayout layout, long generation) {
    onCatalog(
        catalog -> {
          Table table = loaded(catalog, featureTable(layout.view()));
          FeatureTable.recordLiveGeneration(table, layout.version(), generation);
          return table;
        });
  }

  /** The generation of the version's live writer; empty if there never was one. */
  public OptionalLong liveGeneration(FeatureViewLayout layout) {
    return onCatalog(
        catalog -> {
          TableIdentifier name = featureTable(layout.view());
          return catalog.tableExists(name)
              ? FeatureTable.liveGeneration(catalog.loadTable(name), layout.version())
              : OptionalLong.empty();
        });
  }

  /**
   * Since when a view has a table, in milliseconds since the epoch: when it was created, where the
   * table says so, else the time of its oldest snapshot; empty if there is no table.
   */
  public OptionalLong firstWritten(String view) {
    return onCatalog(
        catalog -> {
          TableIdentifier name = featureTable(view);
          return catalog.tableExists(name)
              ? FeatureTable.firstWritten(catalog.loadTable(name))
              : OptionalLong.empty();
        });
  }

  /**
   * The latest instant of which the live writer of a version of a view has stored a row, from the
   * statistics of the table's files; empty if there is none, or no table. Where files of a replay
   * were compacted together with the live writer's, it may be one of the replay.
   */
  public OptionalLong newestLiveInstant(FeatureViewLayout layout) {
    long liveGeneration = liveGeneration(layout).orElse(Long.MAX_VALUE);
    return onCatalog(
        catalog -> {
          TableIdentifier name = featureTable(layout.view());
          if (!catalog.tableExists(name)) {
            return OptionalLong.empty();
          }
          Table table = catalog.loadTable(name);
          NestedField column = table.schema().findField(FeatureTable.VALID_FROM);
          long newest = Long.MIN_VALUE;
          try (CloseableIterable<FileScanTask> files =
              table
                  .newScan()
                  .filter(
                      Expressions.and(
                          Expressions.equal(FeatureTable.DEFINITION_VERSION, layout.version()),
                          Expressions.lessThanOrEqual(FeatureTable.GENERATION, liveGeneration)))
                  .includeColumnStats()
                  .planFiles()) {
            for (FileScanTask file : files) {
              Map<Integer, ByteBuffer> bounds = file.file().upperBounds();
              ByteBuffer bound = bounds == null ? null : bounds.get(column.fieldId());
              if (bound != null) {
                long micros = Conversions.<Long>fromByteBuffer(column.type(), bound);
                newest = Math.max(newest, Math.floorDiv(micros, 1_000L));
              }
            }
          } catch (IOException e) {
            throw new UncheckedIOException("Reading the files of table " + name + " failed", e);
          }
          return newest == Long.MIN_VALUE ? OptionalLong.empty() : OptionalLong.of(newest);
        });
  }

  /**
   * Every archived prediction of a model that was on the log, in no order; one that was published
   * twice is there twice. Those of bounded runs are left out.
   *
   * @return to be closed by the caller
   * @throws IllegalArgumentException if there is no such table
   */
  public CloseableIterable<Record> readPredictions(String model) {
    return readPredictions(model, ArchivedPrediction.LIVE);
  }

  /**
   * The predictions of a model that one run made, in no order.
   *
   * @param run {@link ArchivedPrediction#LIVE} or the name of a bounded run
   * @return to be closed by the caller
   * @throws IllegalArgumentException if there is no such table
   */
  public CloseableIterable<Record> readPredictions(String model, String run) {
    return read(predictionTable(model), Expressions.equal(PredictionTable.RUN, run));
  }

  /**
   * The predictions of a model that one run made, as a bounded stream in no order; one that was
   * published twice is there twice.
   *
   * @param env of a bounded job
   * @param run {@link ArchivedPrediction#LIVE} or the name of a bounded run
   * @param from the first event time, in milliseconds since the epoch
   * @param until the event time that is too late, in milliseconds since the epoch
   * @param uid names the source; unique in the job
   * @throws IllegalArgumentException if there is no such table
   */
  public DataStream<ArchivedPrediction> predictions(
      StreamExecutionEnvironment env, String model, String run, long from, long until, String uid) {
    TableIdentifier name = predictionTable(model);
    IcebergSource<ArchivedPrediction> source =
        IcebergSource.forOutputType(new PredictionConverter())
            .tableLoader(tableLoader(name))
            .table(load(name))
            .filters(
                List.of(
                    Expressions.equal(PredictionTable.RUN, run),
                    Expressions.greaterThanOrEqual(PredictionTable.EVENT_TIME, micros(from)),
                    Expressions.lessThan(PredictionTable.EVENT_TIME, micros(until))))
            .build();
    return env.fromSource(
            source, WatermarkStrategy.noWatermarks(), uid, ArchivedPrediction.typeInfo())
        .uid(uid)
        // The source leaves out files, and not every row of those that it reads.
        .filter(
            archived ->
                archived.run().equals(run)
                    && archived.prediction().eventTime() >= from
                    && archived.prediction().eventTime() < until)
        .uid(uid + "-of-run")
        .name(uid + "-of-run");
  }

  /** A literal of a timestamp column; instants that no column can hold are moved to its ends. */
  private static long micros(long millis) {
    return Math.max(Long.MIN_VALUE / 1_000, Math.min(Long.MAX_VALUE / 1_000, millis)) * 1_000;
  }

  /** Whether anything has ever predicted for a model and kept it. */
  public boolean hasPredictions(String model) {
    return onCatalog(catalog -> catalog.tableExists(predictionTable(model)));
  }

  private CloseableIterable<Record> read(TableIdentifier name, Expression filter) {
    Catalog catalog = openCatalog();
    try {
      CloseableIterable<Record> records =
          IcebergGenerics.read(loaded(catalog, name)).where(filter).build();
      return CloseableIterable.combine(
          records,
          () -> {
            records.close();
            close(catalog);
          });
    } catch (RuntimeException e) {
      close(catalog);
      throw e;
    }
  }

  /**
   * The newest row per entity of the layout's version of the view: greatest valid_from, then
   * generation, then revision. Keeps one record per entity in memory.
   *
   * @return by the entity key in its canonical text form
   * @throws IllegalArgumentException if there is no such table
   */
  public Map<String, Record> newestFeatures(FeatureViewLayout layout) {
    return newest(layout, Expressions.alwaysTrue(), (key, record) -> true);
  }

  /**
   * The row of each of some entities as of an instant of its own, of the layout's version of the
   * view: greatest generation, then revision.
   *
   * @param instants by the entity key in its canonical text form, in milliseconds since the epoch;
   *     at most 1,000
   * @return by the same key; an entity that has no row whose valid_from is exactly its instant is
   *     absent
   * @throws IllegalArgumentException if there is no such table
   */
  public Map<String, Record> featuresAt(FeatureViewLayout layout, Map<String, Long> instants) {
    if (instants.size() > MOST_INSTANTS) {
      throw new IllegalArgumentException(
          "rows of %d entities were asked for; ask for at most %d at once"
              .formatted(instants.size(), MOST_INSTANTS));
    }
    return newest(
        layout,
        Expressions.in(
            FeatureTable.VALID_FROM,
            instants.values().stream().distinct().map(ms -> ms * MICROS_PER_MS).toList()),
        (key, record) ->
            Objects.equals(
                instants.get(key), LakeTypes.epochMillis(record, FeatureTable.VALID_FROM)));
  }

  private Map<String, Record> newest(
      FeatureViewLayout layout, Expression filter, BiPredicate<String, Record> wanted) {
    List<String> keyColumns = layout.key().stream().map(column -> column.name()).toList();
    int[] positions = new int[keyColumns.size()];
    for (int i = 0; i < positions.length; i++) {
      positions[i] = i;
    }
    Map<String, Record> newest = new HashMap<>();
    onCatalog(
        catalog -> {
          Table table = loaded(catalog, featureTable(layout.view()));
          try (CloseableIterable<Record> records =
              IcebergGenerics.read(table)
                  .where(
                      Expressions.and(
                          Expressions.equal(FeatureTable.DEFINITION_VERSION, layout.version()),
                          filter))
                  .build()) {
            for (Record record : records) {
              Object[] key = new Object[positions.length];
              for (int i = 0; i < positions.length; i++) {
                key[i] = LakeTypes.fromGeneric(record.getField(keyColumns.get(i)));
              }
              String text = EntityKeys.encode(key, positions);
              if (text != null && wanted.test(text, record)) {
                newest.merge(text, record, (a, b) -> NEWER_LAST.compare(a, b) >= 0 ? a : b);
              }
            }
          } catch (IOException e) {
            throw new UncheckedIOException("Reading table " + table.name() + " failed", e);
          }
          return newest;
        });
    return newest;
  }

  /**
   * No row of a version has a greater generation than this, which is that of some row of the view.
   *
   * @return empty if there is no such row or no such table
   */
  public OptionalLong newestGeneration(String view, String version) {
    return onCatalog(
        catalog -> {
          TableIdentifier name = featureTable(view);
          if (!catalog.tableExists(name)) {
            return OptionalLong.empty();
          }
          Table table = catalog.loadTable(name);
          int generation = table.schema().findField(FeatureTable.GENERATION).fieldId();
          OptionalLong newest = OptionalLong.empty();
          // A file that was compacted may hold other versions as well: then it may be too great,
          // which does no harm to who wants a greater one.
          try (CloseableIterable<FileScanTask> files =
              table
                  .newScan()
                  .filter(Expressions.equal(FeatureTable.DEFINITION_VERSION, version))
                  .includeColumnStats()
                  .planFiles()) {
            for (FileScanTask file : files) {
              ByteBuffer bound = file.file().upperBounds().get(generation);
              long greatest = Conversions.fromByteBuffer(Types.LongType.get(), bound);
              newest = OptionalLong.of(Math.max(newest.orElse(greatest), greatest));
            }
          } catch (IOException e) {
            throw new UncheckedIOException("Reading the files of table " + name + " failed", e);
          }
          return newest;
        });
  }

  private static final Comparator<Record> NEWER_LAST =
      Comparator.comparingLong(
              (Record record) -> LakeTypes.epochMillis(record, FeatureTable.VALID_FROM))
          .thenComparingLong(record -> (Long) record.getField(FeatureTable.GENERATION))
          .thenComparingLong(record -> (Long) record.getField(FeatureTable.REVISION));

  /**
   * How many rows a table has, from its metadata; 0 if there is no such table.
   *
   * @param table as in {@code features.customer_spend}
   */
  public long count(String table) {
    return onCatalog(
        catalog -> {
          TableIdentifier name = TableIdentifier.parse(table);
          if (!catalog.tableExists(name)) {
            return 0L;
          }
          long rows = 0;
          // Exact, because the tables are append-only: no row of a file was ever deleted.
          try (CloseableIterable<FileScanTask> files =
              catalog.loadTable(name).newScan().planFiles()) {
            for (FileScanTask file : files) {
              rows += file.file().recordCount();
            }
          } catch (IOException e) {
            throw new UncheckedIOException("Reading the files of table " + table + " failed", e);
          }
          return rows;
        });
  }

  /** The name of a table of training sets in the catalog. */
  public static TableIdentifier trainingTable(String name) {
    return TableIdentifier.of(TRAINING, name);
  }

  /**
   * Begins a training set that replaces the content of {@code training.<name>}.
   *
   * @param tag names the set for ever, if given
   * @param columns of the set: {@link TrainingSetSnapshot#ROW}, the spine's and the features
   * @throws IllegalArgumentException if the table has the tag already
   */
  public TrainingSetDraft draftTrainingSet(
      String name, Optional<String> tag, List<Column> columns) {
    return onCatalog(
        catalog -> {
          ensureNamespace(catalog, TRAINING);
          return TrainingSetDraft.begin(this, catalog, name, tag, columns);
        });
  }

  /**
   * A training set that was committed: what its table holds now, or held under a tag.
   *
   * @throws IllegalArgumentException if there is no such table, tag or set; the message says what
   *     there is
   */
  public TrainingSetSnapshot trainingSet(String name, Optional<String> tag) {
    return onCatalog(
        catalog -> TrainingTable.snapshot(loaded(catalog, trainingTable(name)), name, tag));
  }

  /**
   * The rows of a training set, in no order: offset = the row's number.
   *
   * @param columns the values of each record, some of the set's
   */
  public Source<LogRecord, ?, ?> trainingRows(TrainingSetSnapshot set, List<Column> columns) {
    TableIdentifier name = trainingTable(set.name());
    Table table = load(name);
    List<String> wanted = new ArrayList<>(columns.stream().map(Column::name).toList());
    wanted.add(TrainingSetSnapshot.ROW);
    wanted.add(TrainingSetSnapshot.EVENT_TIME);
    Schema read = TrainingTable.schema(table, set.snapshotId()).select(wanted);
    return IcebergSource.forOutputType(
            new TrainingRows(columns, read.columns().stream().map(NestedField::name).toList()))
        .table(table)
        .tableLoader(tableLoader(name))
        .useSnapshotId(set.snapshotId())
        .project(read)
        .build();
  }

  private Table load(TableIdentifier name) {
    return onCatalog(catalog -> loaded(catalog, name));
  }

  static Table loaded(Catalog catalog, TableIdentifier name) {
    try {
      return catalog.loadTable(name);
    } catch (NoSuchTableException e) {
      throw new IllegalArgumentException(
          "The lake has no table "
              + name
              + ": it is created when a job first writes it. Check the name, and that a job with"
              + " the offline store has run.",
          e);
    }
  }

  private static void ensureNamespace(Catalog catalog, String name) {
    if (catalog instanceof SupportsNamespaces namespaces) {
      Namespace namespace = Namespace.of(name);
      if (namespaces.namespaceExists(namespace)) {
        return;
      }
      try {
        namespaces.createNamespace(namespace);
      } catch (RuntimeException e) {
        // Another job may have created it meanwhile; catalogs report that in different ways.
        if (!namespaces.namespaceExists(namespace)) {
          throw e;
        }
      }
    }
  }

  <T> T onCatalog(Function<Catalog, T> action) {
    Catalog catalog = openCatalog();
    try {
      return action.apply(catalog);
    } finally {
      close(catalog);
    }
  }

  private static void close(Catalog catalog) {
    if (catalog instanceof Closeable closeable) {
      try {
        closeable.close();
      } catch (IOException e) {
        throw new UncheckedIOException("Closing the catalog " + catalog.name() + " failed", e);
      }
    }
  }

  /** The warehouse; never the properties, which may hold a password. */
  @Override
  public String toString() {
    return "Lake[" + properties.getOrDefault("warehouse", "the catalog's warehouse") + "]";
  }
}

package dev.tailwater.connectors.iceberg;

import static dev.tailwater.connectors.iceberg.Rows.CUSTOMER;
import static dev.tailwater.connectors.iceberg.Rows.DAY_MS;
import static dev.tailwater.connectors.iceberg.Rows.SPEND;
import static dev.tailwater.connectors.iceberg.Rows.START;
import static dev.tailwater.connectors.iceberg.Rows.layout;
import static dev.tailwater.connectors.iceberg.Rows.row;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.entry;

import dev.tailwater.connectors.iceberg.Lake.DeployedView;
import dev.tailwater.connectors.store.FeatureRow;
import dev.tailwater.connectors.store.FeatureRowSerializer;
import dev.tailwater.connectors.store.FeatureViewLayout;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import java.nio.file.Path;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.Catalog;
import org.apache.iceberg.data.Record;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.types.Types.NestedField;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class FeatureTablesIT {

  private Lake lake = Lake.local(Path.of("target", "unused-lake"));

  @BeforeEach
  void newLake(@TempDir Path directory) {
    // Users have folders with spaces in their names.
    lake = Lake.local(directory.resolve("the lake"));
  }

  @Test
  void aNewTableHasTheViewsColumnsAndIsPartitionedByDay() {
    lake.ensureFeatureTable(SPEND);

    Table table = table("spend");
    assertThat(table.schema().columns())
        .extracting(NestedField::name)
        .containsExactly(
            "customer_id",
            "valid_from",
            "valid_until",
            "revision",
            "tx_count_1d",
            "amount_avg_1d",
            "definition_version",
            "generation",
            "cause_topic",
            "cause_partition",
            "cause_offset");
    assertThat(table.schema().findField("customer_id").isRequired()).isTrue();
    assertThat(table.schema().findField("amount_avg_1d").isOptional()).isTrue();
    assertThat(table.schema().findField("valid_from").type()).hasToString("timestamptz");
    assertThat(table.spec().fields()).singleElement().hasToString("1000: valid_from_day: day(2)");
    assertThat(table.properties())
        .containsEntry("tailwater.view", "spend")
        .containsEntry("tailwater.definition-version", "v1")
        .containsEntry("tailwater.entity", "customer")
        .containsEntry("write.parquet.compression-codec", "zstd")
        .containsEntry("write.metadata.delete-after-commit.enabled", "true");
  }

  @ParameterizedTest
  @EnumSource(
      value = RuntimeExecutionMode.class,
      names = {"BATCH", "STREAMING"})
  void aBoundedJobsRowsAreAllThereWhenItEnds(RuntimeExecutionMode mode) throws Exception {
    FeatureViewLayout everyType =
        new FeatureViewLayout(
            "every_type",
            "v7",
            "shop",
            List.of(
                new Column("shop", ColumnType.STRING, false),
                new Column("till", ColumnType.INT, false)),
            List.of(
                new Column("open", ColumnType.BOOLEAN, true),
                new Column("staff", ColumnType.INT, true),
                new Column("sales", ColumnType.LONG, true),
                new Column("average", ColumnType.DOUBLE, true),
                new Column("best_seller", ColumnType.STRING, true),
                new Column("last_sale", ColumnType.TIMESTAMP, true),
                new Column("last_tills", ColumnType.LONG_LIST, true),
                new Column("last_prices", ColumnType.DOUBLE_LIST, true),
                new Column("last_goods", ColumnType.STRING_LIST, true),
                new Column("by_good", ColumnType.LONG_MAP, true),
                new Column("price_by_good", ColumnType.DOUBLE_MAP, true)),
            DAY_MS);
    FeatureRow full =
        row(
            0,
            "a\\|b|7",
            START,
            2,
            5,
            true,
            3,
            4L,
            0.1,
            "Käse",
            START + 1,
            List.of(3L, 1L),
            List.of(Double.NaN, -0.0),
            List.of("Käse", ""),
            Map.of("Käse", 2L, "Brot", 1L),
            Map.of());
    FeatureRow empty =
        new FeatureRow(
            0,
            "c|8",
            START + DAY_MS,
            Long.MAX_VALUE,
            0,
            0,
            0,
            new Object[11],
            "sales",
            0,
            1,
            true,
            true);
    StreamExecutionEnvironment env = Jobs.bounded(mode);

    write(env, List.of(everyType), List.of(full, empty));
    env.execute();

    assertThat(lake.newestFeatures(everyType)).containsOnlyKeys("a\\|b|7", "c|8");
    assertThat(fields(newest(everyType, "a\\|b|7")))
        .containsExactly(
            "a|b",
            7,
            time(START),
            time(START + 60_000),
            2L,
            true,
            3,
            4L,
            0.1,
            "Käse",
            time(START + 1),
            List.of(3L, 1L),
            List.of(Double.NaN, -0.0),
            List.of("Käse", ""),
            Map.of("Käse", 2L, "Brot", 1L),
            Map.of(),
            "v7",
            5L,
            "transactions",
            3,
            42L);
    assertThat(fields(newest(everyType, "c|8")))
        .containsExactly(
            "c",
            8,
            time(START + DAY_MS),
            null,
            0L,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            "v7",
            0L,
            "sales",
            0,
            1L);
    assertThat(lake.count("features.every_type")).isEqualTo(2);
  }

  @Test
  void onlyTheViewsOwnOfflineRowsAreWritten() throws Exception {
    FeatureViewLayout other = layout("other", "v1", new Column("n", ColumnType.LONG, true));
    FeatureRow onlineOnly =
        new FeatureRow(
            0, "c1", START, START, 0, 0, 1, new Object[] {1L, 1.0}, "t", 0, 0, true, false);
    StreamExecutionEnvironment env = Jobs.bounded(RuntimeExecutionMode.STREAMING);

    write(
        env,
        List.of(SPEND, other),
        List.of(onlineOnly, row("c2", START, 2L, 2.0), row(1, "c3", START, 0, 0, 3L)));
    env.execute();

    assertThat(keys("spend")).containsExactly("c2");
    assertThat(keys("other")).containsExactly("c3");
  }

  @Test
  void theNewestRowHasTheGreatestValidFromThenGenerationThenRevision() throws Exception {
    StreamExecutionEnvironment env = Jobs.bounded(RuntimeExecutionMode.BATCH);
    write(
        env,
        List.of(SPEND),
        List.of(
            row(0, "a", START + 1, 0, 0, 1L, 1.0),
            row(0, "a", START, 9, 9, 2L, 2.0),
            row(0, "b", START, 0, 1, 3L, 3.0),
            row(0, "b", START, 5, 0, 4L, 4.0),
            row(0, "c", START, 1, 0, 5L, 5.0),
            row(0, "c", START, 0, 0, 6L, 6.0)));
    env.execute();

    assertThat(lake.newestFeatures(SPEND)).hasSize(3);
    assertThat(newest(SPEND, "a").getField("tx_count_1d")).isEqualTo(1L);
    assertThat(newest(SPEND, "b").getField("tx_count_1d")).isEqualTo(3L);
    assertThat(newest(SPEND, "c").getField("tx_count_1d")).isEqualTo(5L);
  }

  @Test
  void aBackfillOfManyDaysFitsInASmallHeap() throws Exception {
    int days = 400;
    List<FeatureRow> rows = new ArrayList<>();
    for (int day = 0; day < days; day++) {
      for (int customer = 0; customer < 5; customer++) {
        rows.add(row("c" + customer, START + day * DAY_MS, (long) day, 0.5));
      }
    }
    StreamExecutionEnvironment env = Jobs.bounded(RuntimeExecutionMode.BATCH);

    write(env, List.of(SPEND), rows);
    env.execute();

    assertThat(lake.count("features.spend")).isEqualTo(rows.size());
  }

  @Test
  void aNewFeatureIsANewColumnAndAnOldOneStaysNull() throws Exception {
    lake.ensureFeatureTable(SPEND);
    StreamExecutionEnvironment before = Jobs.bounded(RuntimeExecutionMode.BATCH);
    write(before, List.of(SPEND), List.of(row("old", START, 1L, 1.0)));
    before.execute();
    FeatureViewLayout changed =
        layout(
            "spend",
            "v2",
            new Column("amount_max_1d", ColumnType.DOUBLE, true),
            new Column("last_amounts", ColumnType.DOUBLE_LIST, true),
            new Column("by_city", ColumnType.LONG_MAP, true),
            new Column("tx_count_1d", ColumnType.LONG, true));
    StreamExecutionEnvironment after = Jobs.bounded(RuntimeExecutionMode.BATCH);
    write(
        after,
        List.of(changed),
        List.of(row("new", START, 9.5, List.of(9.5, 1.0), Map.of("Bern", 2L), 2L)));
    after.execute();
    lake.ensureFeatureTable(changed); // The columns it added are the ones it wants.

    Record old = newest(SPEND, "old");
    Record added = newest(changed, "new");

    assertThat(old.getField("amount_max_1d")).isNull();
    assertThat(added.getField("amount_max_1d")).isEqualTo(9.5);
    assertThat(added.getField("tx_count_1d")).isEqualTo(2L);
    assertThat(added.getField("amount_avg_1d")).isNull();
    assertThat(table("spend").properties())
        .as("writing a version does not make readers use it")
        .containsEntry("tailwater.definition-version", "v1");
    assertThat(lake.count("features.spend")).isEqualTo(2);
  }

  @Test
  void readersUseTheFirstVersionUntilAnotherIsActivatedAndTheOneBeforeIsKept() {
    FeatureViewLayout second =
        layout("spend", "v2", new Column("amount_max_1d", ColumnType.DOUBLE, true));
    DeployedView v1 = new DeployedView("v1", Map.of("tx_count_1d", "a", "amount_avg_1d", "b"));
    DeployedView v2 = new DeployedView("v2", Map.of("tx_count_1d", "a", "amount_max_1d", "c"));
    lake.ensureFeatureTable(SPEND);
    lake.recordFeatures("spend", "v1", v1.features());

    lake.ensureFeatureTable(second);
    lake.recordFeatures("spend", "v2", v2.features());
    assertThat(lake.deployedViews()).containsOnly(entry("spend", v1));

    lake.activate(Map.of("spend", v2));
    lake.activate(Map.of("spend", v2));
    assertThat(lake.deployedViews())
        .containsOnly(entry("spend", new DeployedView("v2", v2.features(), Optional.of(v1))));
    assertThat(table("spend").properties())
        .containsEntry("tailwater.definition-version", "v2")
        .containsEntry("tailwater.previous-definition-version", "v1")
        .containsEntry("tailwater.feature.amount_max_1d", "c")
        .doesNotContainKey("tailwater.feature.amount_avg_1d");

    lake.activate(Map.of("spend", v1));
    assertThat(lake.deployedViews())
        .containsOnly(entry("spend", new DeployedView("v1", v1.features(), Optional.of(v2))));
    lake.forgetPrevious("spend");
    assertThat(lake.deployedViews()).containsOnly(entry("spend", v1));
  }

  @Test
  void aViewWhoseOnlyVersionIsNotActivatedIsNotDeployed() {
    lake.evolveFeatureTable(SPEND);

    assertThat(lake.deployedViews()).isEmpty();
    assertThat(table("spend").properties()).doesNotContainKey("tailwater.definition-version");
    assertThatThrownBy(() -> lake.activate(Map.of("unknown", new DeployedView("v1", Map.of()))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("features.unknown");
  }

  @Test
  void featureTablesAreDroppedAndOthersStay() throws Exception {
    StreamExecutionEnvironment env = Jobs.bounded(RuntimeExecutionMode.BATCH);
    write(env, List.of(SPEND), List.of(row("c7", START, 1L, 0.5)));
    env.execute();
    lake.ensurePredictionTable("fraud");

    lake.dropFeatureTables();
    lake.dropFeatureTables();

    assertThat(lake.count("features.spend")).isZero();
    assertThat(lake.openCatalog().tableExists(Lake.featureTable("spend"))).isFalse();
    assertThat(lake.openCatalog().tableExists(Lake.predictionTable("fraud"))).isTrue();
  }

  @Test
  void theRowsOfSomeEntitiesAsOfAnInstantAreRead() throws Exception {
    StreamExecutionEnvironment env = Jobs.bounded(RuntimeExecutionMode.BATCH);
    write(
        env,
        List.of(SPEND),
        List.of(row("a", START, 1L, 0.5), row("a", START + 1, 2L, 0.5), row("b", START, 1L, 0.5)));
    env.execute();
    StreamExecutionEnvironment other = Jobs.bounded(RuntimeExecutionMode.BATCH);
    FeatureViewLayout second =
        layout("spend", "v2", new Column("amount_max_1d", ColumnType.DOUBLE, true));
    write(other, List.of(second), List.of(row("a", START, 9.5)));
    other.execute();

    assertThat(lake.featuresAt(SPEND, Map.of("a", START, "b", START + 1, "c", START)))
        .containsOnlyKeys("a")
        .extractingByKey("a")
        .extracting(row -> row.getField("tx_count_1d"))
        .isEqualTo(1L);
    assertThat(lake.featuresAt(second, Map.of("a", START, "b", START))).containsOnlyKeys("a");
    assertThat(lake.newestGeneration("spend", "v2")).hasValue(0);
    assertThat(lake.newestGeneration("spend", "v3")).isEmpty();
    assertThat(lake.newestGeneration("unknown", "v1")).isEmpty();
  }

  @Test
  void aFeatureThatChangesItsTypeIsRefused() {
    lake.ensureFeatureTable(SPEND);

    assertThatThrownBy(
            () ->
                lake.ensureFeatureTable(
                    layout("spend", "v2", new Column("tx_count_1d", ColumnType.DOUBLE, true))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("tx_count_1d")
        .hasMessageContaining("is long")
        .hasMessageContaining("now computes double");
  }

  @Test
  void anEntityKeyThatChangesIsRefused() {
    lake.ensureFeatureTable(SPEND);
    Column card = new Column("card_id", ColumnType.STRING, false);

    assertThatThrownBy(
            () ->
                lake.ensureFeatureTable(
                    new FeatureViewLayout(
                        "spend", "v2", "card", List.of(CUSTOMER, card), SPEND.features(), 1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("(customer_id)")
        .hasMessageContaining("(customer_id,card_id)");
  }

  @Test
  void aFeatureWithTheNameOfAnotherColumnIsRefused() {
    for (String taken : List.of("valid_from", "customer_id")) {
      assertThatThrownBy(
              () ->
                  lake.ensureFeatureTable(
                      layout("clash", "v1", new Column(taken, ColumnType.LONG, true))))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining(taken)
          .hasMessageContaining("Rename the feature");
    }
  }

  @Test
  void aTableThatDoesNotExistIsReportedByName() {
    assertThat(lake.count("features.unknown")).isZero();
    assertThatThrownBy(() -> lake.readFeatures("unknown"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("features.unknown");
  }

  private void write(
      StreamExecutionEnvironment env, List<FeatureViewLayout> layouts, List<FeatureRow> rows) {
    DataStream<FeatureRow> stream =
        env.fromData(rows, FeatureRowSerializer.typeInfo(layouts)).uid("rows");
    for (int view = 0; view < layouts.size(); view++) {
      lake.appendFeatures(stream, view, layouts.get(view), "offline-" + layouts.get(view).view());
    }
  }

  private List<Object> keys(String view) throws Exception {
    List<Object> keys = new ArrayList<>();
    try (CloseableIterable<Record> rows = lake.readFeatures(view)) {
      rows.forEach(row -> keys.add(row.getField("customer_id")));
    }
    return keys;
  }

  private Record newest(FeatureViewLayout layout, String key) {
    return Optional.ofNullable(lake.newestFeatures(layout).get(key)).orElseThrow();
  }

  private static List<Object> fields(Record row) {
    List<Object> fields = new ArrayList<>();
    for (int i = 0; i < row.size(); i++) {
      fields.add(row.get(i));
    }
    return fields;
  }

  private static OffsetDateTime time(long epochMs) {
    return Instant.ofEpochMilli(epochMs).atOffset(ZoneOffset.UTC);
  }

  private Table table(String view) {
    Catalog catalog = lake.openCatalog();
    return catalog.loadTable(Lake.featureTable(view));
  }
}

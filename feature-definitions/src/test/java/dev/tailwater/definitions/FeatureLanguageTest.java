package dev.tailwater.definitions;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.tailwater.kernel.Aggregate;
import dev.tailwater.kernel.Window;
import dev.tailwater.schemas.ColumnType;
import java.nio.file.Path;
import java.time.Duration;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class FeatureLanguageTest {

  private final Path folder;

  FeatureLanguageTest(@TempDir Path folder) {
    this.folder = folder;
  }

  private ProjectFolder project(String feature) {
    return new ProjectFolder(folder)
        .write(
            "project.yaml",
            String.join(
                "---\n",
                ProjectFolder.STREAM,
                ProjectFolder.ENTITY,
                """
                kind: feature-view
                name: spend
                entity: customer
                from: transactions
                features:
                  f: {%s}
                """
                    .formatted(feature)));
  }

  private List<FeatureDefinition> features(String feature) {
    return project(feature).load().view("spend").orElseThrow().features();
  }

  static Stream<Arguments> aggregates() {
    ColumnType number = ColumnType.DOUBLE;
    return Stream.of(
        arguments("count: \"*\"", Aggregate.COUNT, ColumnType.LONG, 0, 0.0),
        arguments("count: country", Aggregate.COUNT, ColumnType.LONG, 0, 0.0),
        arguments("sum: tx_amount * 2", Aggregate.SUM, number, 0, 0.0),
        arguments("avg: is_fraud", Aggregate.AVG, number, 0, 0.0),
        arguments("min: terminal_id", Aggregate.MIN, ColumnType.INT, 0, 0.0),
        arguments("max: tx_time", Aggregate.MAX, ColumnType.TIMESTAMP, 0, 0.0),
        arguments("count: \"*\", by: country", Aggregate.COUNT, ColumnType.LONG_MAP, 100, 0.0),
        arguments("sum: tx_amount, by: country", Aggregate.SUM, ColumnType.DOUBLE_MAP, 100, 0.0),
        arguments(
            "max: terminal_id, by: country, max_keys: 7",
            Aggregate.MAX,
            ColumnType.LONG_MAP,
            7,
            0.0),
        arguments(
            "min: tx_amount, by: UPPER(country)", Aggregate.MIN, ColumnType.DOUBLE_MAP, 100, 0.0),
        arguments("variance: tx_amount", Aggregate.VARIANCE, number, 0, 0.0),
        arguments("variance_pop: tx_amount", Aggregate.VARIANCE_POP, number, 0, 0.0),
        arguments("stddev: tx_amount", Aggregate.STDDEV, number, 0, 0.0),
        arguments("stddev_pop: tx_amount", Aggregate.STDDEV_POP, number, 0, 0.0),
        arguments("skewness: tx_amount", Aggregate.SKEWNESS, number, 0, 0.0),
        arguments("kurtosis: tx_amount", Aggregate.KURTOSIS, number, 0, 0.0),
        arguments("first: country", Aggregate.FIRST, ColumnType.STRING, 0, 0.0),
        arguments("last: is_fraud", Aggregate.LAST, ColumnType.BOOLEAN, 0, 0.0),
        arguments("first_k: tx_amount, k: 3", Aggregate.FIRST_K, ColumnType.DOUBLE_LIST, 3, 0.0),
        arguments("last_k: country, k: 1000", Aggregate.LAST_K, ColumnType.STRING_LIST, 1000, 0.0),
        arguments("lag: tx_amount", Aggregate.LAG, number, 1, 0.0),
        arguments("lag: tx_amount, n: 2", Aggregate.LAG, number, 2, 0.0),
        arguments("distinct: country", Aggregate.DISTINCT, ColumnType.LONG, 0, 0.0),
        arguments(
            "approx_distinct: country, resolution: 1h",
            Aggregate.APPROX_DISTINCT,
            ColumnType.LONG,
            0,
            0.0),
        arguments("median: tx_amount", Aggregate.QUANTILE, number, 0, 0.5),
        arguments("quantile: tx_amount, q: 0.95", Aggregate.QUANTILE, number, 0, 0.95),
        arguments(
            "approx_quantile: tx_amount, q: 1, resolution: 1h",
            Aggregate.APPROX_QUANTILE,
            number,
            0,
            1.0),
        arguments("top_k: terminal_id, k: 2", Aggregate.TOP_K, ColumnType.LONG_LIST, 2, 0.0),
        arguments("bottom_k: tx_amount, k: 2", Aggregate.BOTTOM_K, ColumnType.DOUBLE_LIST, 2, 0.0),
        arguments(
            "most_frequent: country, k: 2",
            Aggregate.MOST_FREQUENT,
            ColumnType.STRING_LIST,
            2,
            0.0),
        arguments("histogram: terminal_id", Aggregate.COUNT, ColumnType.LONG_MAP, 100, 0.0),
        arguments("share: tx_amount > 5", Aggregate.AVG, number, 0, 0.0),
        arguments("any: is_fraud", Aggregate.MAX, ColumnType.BOOLEAN, 0, 0.0),
        arguments("all: country = 'DE'", Aggregate.MIN, ColumnType.BOOLEAN, 0, 0.0),
        arguments("ratio: night_amount, to: tx_amount", Aggregate.RATIO, number, 0, 0.0),
        arguments("time_since_last: \"*\"", Aggregate.TIME_SINCE_LAST, ColumnType.LONG, 0, 0.0),
        arguments("time_since_first: country", Aggregate.TIME_SINCE_FIRST, ColumnType.LONG, 0, 0.0),
        arguments("decay: \"*\", half_life: 1h", Aggregate.DECAY, number, 0, 3_600_000.0),
        arguments("decay: tx_amount, half_life: 1ms", Aggregate.DECAY, number, 0, 1.0),
        arguments("rate: \"*\"", Aggregate.RATE, number, 0, 1000.0),
        arguments("rate: country, per: 1m", Aggregate.RATE, number, 0, 60_000.0),
        arguments("argmin: country, of: tx_amount", Aggregate.ARGMIN, ColumnType.STRING, 0, 0.0),
        arguments("argmax: tx_amount, of: tx_time", Aggregate.ARGMAX, number, 0, 0.0));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("aggregates")
  void anAggregateWithItsArguments(
      String written, Aggregate aggregate, ColumnType type, int limit, double parameter) {
    FeatureDefinition feature = features(written + ", over: 7d").get(0);

    assertThat(feature.aggregate()).isEqualTo(aggregate);
    assertThat(feature.type()).isEqualTo(type);
    assertThat(feature.limit()).isEqualTo(limit);
    assertThat(feature.parameter()).isEqualTo(parameter);
  }

  @Test
  void theTableHasEveryAggregate() {
    Set<String> missing = new HashSet<>(AggregateForm.keys());
    aggregates()
        .map(row -> String.valueOf(row.get()[0]))
        .forEach(written -> missing.remove(written.substring(0, written.indexOf(':'))));

    assertThat(missing).isEmpty();
  }

  @Test
  void aHistogramCountsByWhatIsWritten() {
    FeatureDefinition histogram = features("histogram: country, over: 7d").get(0);

    assertThat(histogram.column()).isEmpty();
    assertThat(histogram.by().orElseThrow().text()).isEqualTo("country");
  }

  static Stream<Arguments> windows() {
    return Stream.of(
        arguments("over: 7d", Window.sliding(days(7), 0)),
        arguments("over: 7d, delay: 1d", Window.sliding(days(7), days(1))),
        arguments(
            "over: 7d, bounds: \"[)\"",
            new Window.Sliding(days(7), 0, 0, Window.Bounds.CLOSED_OPEN)),
        arguments(
            "over: 7d, resolution: 1d",
            new Window.Sliding(days(7), 0, days(1), Window.Bounds.OPEN_CLOSED)),
        arguments("over: last 10 events", new Window.LastEvents(10, 0)),
        arguments("over: last 1 event, delay: 1d", new Window.LastEvents(1, days(1))),
        arguments("over: lifetime", new Window.Lifetime(0)),
        arguments("over: this day", calendar(Window.Period.DAY, ZoneOffset.UTC, 0)),
        arguments(
            "over: this week, zone: Europe/Berlin",
            calendar(Window.Period.WEEK, ZoneId.of("Europe/Berlin"), 0)),
        arguments("over: previous day", calendar(Window.Period.DAY, ZoneOffset.UTC, 1)),
        arguments("over: previous 3 months", calendar(Window.Period.MONTH, ZoneOffset.UTC, 3)),
        arguments("over: session, gap: 30m", new Window.Session(days(1) / 48, 0)));
  }

  private static Window calendar(Window.Period period, ZoneId zone, int previous) {
    return new Window.Calendar(period, zone, previous, 0);
  }

  private static long days(int days) {
    return Duration.ofDays(days).toMillis();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("windows")
  void aWindowAsItIsWritten(String written, Window window) {
    assertThat(features("count: \"*\", " + written))
        .extracting(FeatureDefinition::name, FeatureDefinition::window)
        .containsExactly(org.assertj.core.groups.Tuple.tuple("f", window));
  }

  @Test
  void aListOfWindowsNamesEachFeature() {
    assertThat(
            features(
                "count: \"*\", gap: 1h, zone: Asia/Tokyo, resolution: 1h,"
                    + " over: [7d, last 10 events, lifetime, this day, previous 3 months, session]"))
        .extracting(FeatureDefinition::name)
        .containsExactly(
            "f_7d",
            "f_last_10_events",
            "f_lifetime",
            "f_previous_3_months",
            "f_session",
            "f_this_day");
  }

  @Test
  void whatIsBesideTheWindow() {
    FeatureDefinition feature =
        features("first: country, over: 1d, where: tx_amount > 1, self: exclude, empty: none")
            .get(0);

    assertThat(feature.excludesSelf()).isTrue();
    assertThat(feature.where().orElseThrow().reads()).containsExactly("tx_amount");
    assertThat(feature.empty()).isEqualTo(Optional.of("none"));
    assertThat(features("sum: tx_amount, over: 1d, self: include").get(0).excludesSelf()).isFalse();
  }

  static Stream<Arguments> mistakes() {
    return Stream.of(
        arguments("sum: tx_amount, k: 3, over: 1d", "f.k: does not belong to sum; it belongs to"),
        arguments("first_k: tx_amount, k: 3, q: 1, over: 1d", "it belongs to quantile"),
        arguments("median: tx_amount, q: 0.5, over: 1d", "f.q: does not belong to median"),
        arguments("share: is_fraud, by: country, over: 1d", "it belongs to count, sum, avg, min"),
        arguments("sum: tx_amount, max_keys: 3, over: 1d", "has no meaning without by"),
        arguments("last_k: tx_amount, over: 1d", "f.k: is missing; write how many"),
        arguments("last_k: tx_amount, k: 0, over: 1d", "'0' is not a whole number between 1"),
        arguments("last_k: tx_amount, k: 1001, over: 1d", "is not a whole number between 1 and"),
        arguments("last_k: tx_amount, k: 1.5, over: 1d", "is not a whole number"),
        arguments("lag: tx_amount, n: x, over: 1d", "is not a whole number between 1 and 1000"),
        arguments("histogram: country, max_keys: 10001, over: 1d", "between 1 and 10000"),
        arguments("histogram: \"*\", over: 1d", "'*' can only be counted"),
        arguments("quantile: tx_amount, over: 1d", "f.q: is missing; write which"),
        arguments("quantile: tx_amount, q: 95, over: 1d", "'95' is not a number between 0 and 1"),
        arguments("decay: tx_amount, over: 1d", "f.half_life: is missing"),
        arguments("decay: tx_amount, half_life: 0s, over: 1d", "is shorter than 1ms"),
        arguments("decay: country, half_life: 1h, over: 1d", "of which there is no decay"),
        arguments("ratio: tx_amount, over: 1d", "f.to: is missing"),
        arguments("ratio: tx_amount, to: country, over: 1d", "f.to: 'country' is STRING, not a"),
        arguments("ratio: country, to: tx_amount, over: 1d", "column, of which there is no ratio"),
        arguments("argmax: country, over: 1d", "f.of: is missing; name what is compared"),
        arguments("argmax: country, of: country, over: 1d", "is STRING, which has no order"),
        arguments("argmax: \"*\", of: tx_amount, over: 1d", "'*' can only be counted"),
        arguments("share: tx_amount, over: 1d", "is DOUBLE, not BOOLEAN"),
        arguments("top_k: country, k: 2, over: 1d", "a STRING column, of which there is no top_k"),
        arguments("summ: tx_amount, over: 1d", "f.summ: is not known here; did you mean sum?"),
        arguments("approx_distinct: country, over: 1d", "write a resolution or over: lifetime"),
        arguments("approx_quantile: tx_amount, q: 1, over: 1d", "or quantile for the exact value"),
        arguments("rate: \"*\", over: lifetime", "has no fixed length to divide by"),
        arguments("rate: \"*\", over: 1d, resolution: 1h", "write a window like 7d without"),
        arguments("count: \"*\", over: this year", "'this year' is not a window; write 7d, last"),
        arguments("count: \"*\", over: last 0 events", "is not between 1 and 10000"),
        arguments("count: \"*\", over: last 99999999999 events", "is not between 1 and 10000"),
        arguments("count: \"*\", over: previous 121 months", "is not between 1 and 120"),
        arguments("count: \"*\", over: session", "needs to know what ends a session; write a gap"),
        arguments("count: \"*\", over: 1d, gap: 1h", "f.gap: has no meaning for [1d]; it belongs"),
        arguments("count: \"*\", over: lifetime, bounds: \"[]\"", "f.bounds: has no meaning for"),
        arguments("count: \"*\", over: 1d, zone: UTC", "it belongs to windows like this day"),
        arguments("count: \"*\", over: this day, zone: Mars", "'Mars' is not a time zone"),
        arguments(
            "count: \"*\", over: 1d, bounds: \"((\"", "write one of [(], [], [), ()], quoted"),
        arguments("count: \"*\", over: 1d, resolution: 2d", "is longer than the window 1d"),
        arguments("count: \"*\", over: [lifetime, 1d], resolution: 2d", "than the window 1d"),
        arguments("count: \"*\", over: 1d, self: no", "'no' is not known here"),
        arguments("distinct: country, over: 1d, empty: 0", "the distinct of nothing is 0"),
        arguments("histogram: country, over: 1d, empty: 0", "has no meaning for a LONG_MAP"),
        arguments("count: \"*\", by: nowhere, over: 1d", "'nowhere' is not a column of stream"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("mistakes")
  void namesTheMistakeAndWhatToDo(String feature, String expected) {
    assertThat(project(feature).problems())
        .hasSize(1)
        .allMatch(problem -> problem.contains(expected));
  }
}

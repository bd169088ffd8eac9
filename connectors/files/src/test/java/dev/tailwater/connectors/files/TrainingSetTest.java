package dev.tailwater.connectors.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tailwater.connectors.log.LogRecord;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.GZIPInputStream;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.hadoop.example.GroupReadSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TrainingSetTest {

  private static final List<Column> KEYS = List.of(new Column("card", ColumnType.STRING, false));

  private static final List<Column> FEATURES =
      List.of(
          new Column("count", ColumnType.LONG, true),
          new Column("mean", ColumnType.DOUBLE, true),
          new Column("last_city", ColumnType.STRING, true),
          new Column("last_at", ColumnType.TIMESTAMP, true),
          new Column("any", ColumnType.BOOLEAN, true));

  private static final String SPINE =
      """
      label,card,"note, free",event_time,id
      1,c1,"say ""hi""\",2018-04-01 00:00:31,007
      0,"c,2",,2018-04-01T00:00:31.250Z,010
      """;

  private static final List<@Nullable Object[]> ANSWERS =
      List.of(
          new @Nullable Object[] {3L, 0.1, "Łódź, north", 1522540831000L, true},
          new @Nullable Object[] {0L, null, "", null, null});

  private final Path folder;

  TrainingSetTest(@TempDir Path folder) {
    this.folder = folder;
  }

  private SpineFile spine(String text) throws Exception {
    return SpineFile.open(Files.writeString(folder.resolve("spine.csv"), text), KEYS);
  }

  private long write(SpineFile spine, Path target) throws Exception {
    try (TrainingSetWriter writer = TrainingSetWriter.open(spine, target, FEATURES)) {
      for (int i = 0; i < ANSWERS.size(); i++) {
        writer.write(i, ANSWERS.get(i));
      }
      return writer.finish();
    }
  }

  private static List<String> shown(SpineFile spine) throws Exception {
    List<String> rows = new ArrayList<>();
    for (LogRecord record : Emitted.by(spine.source())) {
      rows.add(
          record.offset
              + " "
              + (record.problem == null
                  ? record.eventTime + " " + Arrays.toString(record.values)
                  : "! " + record.problem));
    }
    return rows;
  }

  private static String text(Path file) throws Exception {
    if (!file.toString().endsWith(".gz")) {
      return Files.readString(file);
    }
    try (GZIPInputStream bytes = new GZIPInputStream(Files.newInputStream(file))) {
      return new String(bytes.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  @Test
  void aSpineYieldsKeysTimesAndRowNumbers() throws Exception {
    SpineFile spine = spine(SPINE);

    assertThat(shown(spine)).containsExactly("0 1522540831000 [c1, 0]", "1 1522540831250 [c,2, 1]");
    assertThat(spine.columnNames())
        .containsExactly("label", "card", "note, free", "event_time", "id");
    assertThat(spine.schema().columns())
        .extracting(Column::name)
        .containsExactly("card", "spine_row");
  }

  @ParameterizedTest
  @ValueSource(strings = {"out.csv", "out.csv.gz"})
  void csvKeepsTheSpinesTextAndAddsTheFeatures(String name) throws Exception {
    Path target = folder.resolve(name);

    assertThat(write(spine(SPINE), target)).isEqualTo(2);

    assertThat(text(target))
        .isEqualTo(
            """
            label,card,"note, free",event_time,id,count,mean,last_city,last_at,any
            1,c1,"say ""hi""\",2018-04-01 00:00:31,007,3,0.1,"Łódź, north",2018-04-01T00:00:31.000Z,true
            0,"c,2",,2018-04-01T00:00:31.250Z,010,0,,"",,
            """);
  }

  @Test
  void parquetKeepsEveryColumnThroughAnotherRound() throws Exception {
    Path parquet = folder.resolve("out.parquet");
    write(spine(SPINE), parquet);
    SpineFile again = SpineFile.open(parquet, KEYS);
    assertThat(shown(again)).containsExactly("0 1522540831000 [c1, 0]", "1 1522540831250 [c,2, 1]");

    for (String name : List.of("again.parquet", "again.csv")) {
      try (TrainingSetWriter writer =
          TrainingSetWriter.open(
              again, folder.resolve(name), List.of(new Column("more", ColumnType.INT, true)))) {
        writer.write(0, new Object[] {5});
        writer.write(1, new @Nullable Object[] {null});
        assertThat(writer.finish()).isEqualTo(2);
      }
    }

    String expected =
        """
        label,card,"note, free",event_time,id,count,mean,last_city,last_at,any,more
        1,c1,"say ""hi""\",2018-04-01T00:00:31.000Z,007,3,0.1,"Łódź, north",2018-04-01T00:00:31.000Z,true,5
        0,"c,2",,2018-04-01T00:00:31.250Z,010,0,,"",,,
        """;
    assertThat(text(folder.resolve("again.csv"))).isEqualTo(expected);
    try (SpineReading rows =
        SpineFile.open(folder.resolve("again.parquet"), KEYS).rows().reading()) {
      assertThat(rows.parquetFields())
          .extracting(Object::toString)
          .containsExactly(
              "optional int64 label",
              "optional binary card (STRING)",
              "optional binary note, free (STRING)",
              "optional int64 event_time (TIMESTAMP(MILLIS,true))",
              "optional binary id (STRING)",
              "optional int64 count",
              "optional double mean",
              "optional binary last_city (STRING)",
              "optional int64 last_at (TIMESTAMP(MILLIS,true))",
              "optional boolean any",
              "optional int32 more");
      List<String> lines = new ArrayList<>();
      while (rows.next() != null) {
        lines.add(new String(rows.csvRow(), StandardCharsets.UTF_8));
      }
      assertThat(lines).isEqualTo(expected.lines().skip(1).toList());
    }
  }

  @Test
  void listsAndMapsAreJsonInCsvAndTheStandardsGroupsInParquet() throws Exception {
    List<Column> features =
        List.of(
            new Column("times", ColumnType.LONG_LIST, true),
            new Column("cities", ColumnType.STRING_LIST, true),
            new Column("spend", ColumnType.DOUBLE_MAP, true));
    List<@Nullable Object[]> rows =
        List.of(
            new @Nullable Object[] {
              List.of(7L, 5L), List.of("a", "Łódź"), new TreeMap<>(Map.of("b", 0.5, "a", 1.0))
            },
            new @Nullable Object[] {null, List.of(), Map.of()});
    for (String name : List.of("out.csv", "out.parquet", "again.parquet")) {
      SpineFile spine =
          name.startsWith("again")
              ? SpineFile.open(folder.resolve("out.parquet"), KEYS)
              : spine("card,event_time\nc1,1\nc2,2\n");
      List<Column> added = name.startsWith("again") ? List.of() : features;
      try (TrainingSetWriter writer = TrainingSetWriter.open(spine, folder.resolve(name), added)) {
        for (int i = 0; i < rows.size(); i++) {
          writer.write(i, added.isEmpty() ? new Object[0] : rows.get(i));
        }
        writer.finish();
      }
    }

    assertThat(text(folder.resolve("out.csv")))
        .isEqualTo(
            """
            card,event_time,times,cities,spend
            c1,1,"[7,5]","[""a"",""Łódź""]","{""a"":1.0,""b"":0.5}"
            c2,2,,[],{}
            """);
    for (String name : List.of("out.parquet", "again.parquet")) {
      try (ParquetReader<Group> reader =
          ParquetReader.builder(
                  new GroupReadSupport(),
                  new org.apache.hadoop.fs.Path(folder.resolve(name).toUri()))
              .build()) {
        Group full = reader.read();
        assertThat(full.getType().getType("times"))
            .hasToString(
                """
                optional group times (LIST) {
                  repeated group list {
                    required int64 element;
                  }
                }\
                """);
        assertThat(full.getType().getType("spend"))
            .hasToString(
                """
                optional group spend (MAP) {
                  repeated group key_value {
                    required binary key (STRING);
                    required double value;
                  }
                }\
                """);
        Group cities = full.getGroup("cities", 0);
        assertThat(cities.getGroup("list", 1).getString("element", 0)).isEqualTo("Łódź");
        Group entry = full.getGroup("spend", 0).getGroup("key_value", 1);
        assertThat(entry.getString("key", 0)).isEqualTo("b");
        assertThat(entry.getDouble("value", 0)).isEqualTo(0.5);
        Group empty = reader.read();
        assertThat(empty.getFieldRepetitionCount("times")).as("NULL is not empty").isZero();
        assertThat(empty.getGroup("cities", 0).getFieldRepetitionCount("list")).isZero();
      }
    }
    assertThatThrownBy(
            () ->
                TrainingSetWriter.open(
                    SpineFile.open(folder.resolve("out.parquet"), KEYS),
                    folder.resolve("o.csv"),
                    List.of()))
        .hasMessageContaining("column times is")
        .hasMessageContaining("which CSV cannot hold; write the training set as .parquet");
  }

  @Test
  void aKeyOfNumbersIsTextWhereTheDefinitionsSaySo() throws Exception {
    Path parquet = folder.resolve("numbers.parquet");
    SpineFile csv =
        SpineFile.open(
            Files.writeString(folder.resolve("n.csv"), "card,event_time\n42,1000\n"),
            List.of(new Column("card", ColumnType.LONG, false)));
    try (TrainingSetWriter writer = TrainingSetWriter.open(csv, parquet, List.of())) {
      writer.write(0, new Object[0]);
      writer.finish();
    }

    assertThat(shown(SpineFile.open(parquet, KEYS))).containsExactly("0 1000 [42, 0]");
    assertThatThrownBy(
            () -> SpineFile.open(parquet, List.of(new Column("card", ColumnType.BOOLEAN, false))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(
            "column card is 'optional int64 card', which cannot be read as BOOLEAN");
  }

  @Test
  void aBrokenRowIsReportedAndLeftOut() throws Exception {
    SpineFile spine = spine("card,event_time\na,1\nb,never\n,3\nd,4\n\"e,5\n");
    assertThat(shown(spine))
        .satisfiesExactly(
            row -> assertThat(row).isEqualTo("0 1 [a, 0]"),
            row -> assertThat(row).startsWith("1 ! column event_time is 'never'"),
            row -> assertThat(row).startsWith("2 ! column card is empty"),
            row -> assertThat(row).isEqualTo("3 4 [d, 3]"),
            row -> assertThat(row).startsWith("4 ! the quote that opens"));

    Path target = folder.resolve("out.csv");
    try (TrainingSetWriter writer = TrainingSetWriter.open(spine, target, List.of())) {
      writer.write(0, new Object[0]);
      writer.write(3, new Object[0]);
      assertThat(writer.finish()).isEqualTo(2);
      assertThat(writer.rejectedRows()).isEqualTo(3);
    }
    assertThat(text(target)).isEqualTo("card,event_time\na,1\nd,4\n");
  }

  @Test
  void everyRowNeedsItsFeaturesOnceAndInOrder() throws Exception {
    SpineFile spine = spine(SPINE);
    Path target = Files.writeString(folder.resolve("out.csv"), "older");

    assertFails(spine, target, writer -> writer.write(1, ANSWERS.get(1)), "row 0 is due");
    assertFails(
        spine,
        target,
        writer -> {
          writer.write(0, ANSWERS.get(0));
          writer.write(0, ANSWERS.get(0));
        },
        "row 1 is due");
    assertFails(
        spine,
        target,
        writer -> {
          writer.write(0, ANSWERS.get(0));
          writer.finish();
        },
        "row 1 of the spine got no features");
    assertFails(
        spine,
        target,
        writer -> {
          writer.write(0, ANSWERS.get(0));
          writer.write(1, ANSWERS.get(1));
          writer.write(2, ANSWERS.get(1));
        },
        "row 2 came behind the spine's last row");
    assertThat(text(target))
        .as("an older training set stays until a new one is complete")
        .isEqualTo("older");
    try (var left = Files.list(folder)) {
      assertThat(left)
          .extracting(path -> path.getFileName().toString())
          .containsExactlyInAnyOrder("spine.csv", "out.csv");
    }
  }

  private interface Writing {
    void on(TrainingSetWriter writer) throws Exception;
  }

  private static void assertFails(SpineFile spine, Path target, Writing writing, String reason)
      throws Exception {
    try (TrainingSetWriter writer = TrainingSetWriter.open(spine, target, FEATURES)) {
      assertThatThrownBy(() -> writing.on(writer))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining(reason);
    }
  }

  @Test
  void wrongFilesAreFoundAtOnce() throws Exception {
    assertThatThrownBy(() -> spine("card,time\n"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("spine.csv: the header does not name the columns [event_time]");
    Path text = Files.writeString(folder.resolve("spine.parquet"), "this is not a Parquet file");
    assertThatThrownBy(() -> SpineFile.open(text, KEYS))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("spine.parquet: the file is not Parquet");
    SpineFile spine = spine(SPINE);
    assertThatThrownBy(() -> TrainingSetWriter.open(spine, folder.resolve("o.txt"), FEATURES))
        .hasMessageContaining("must be one of [.csv, .csv.gz, .parquet]");
    assertThatThrownBy(() -> TrainingSetWriter.open(spine, folder.resolve("no/o.csv"), FEATURES))
        .hasMessageContaining("does not exist; create it first");
    assertThatThrownBy(
            () ->
                TrainingSetWriter.open(
                    spine,
                    folder.resolve("o.csv"),
                    List.of(new Column("label", ColumnType.INT, true))))
        .hasMessageContaining("the columns [label] have the names of features");
  }
}

package dev.tailwater.connectors.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tailwater.connectors.log.LogRecord;
import dev.tailwater.schemas.AvroContracts;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import dev.tailwater.schemas.RecordFormat;
import dev.tailwater.schemas.RecordSchema;
import dev.tailwater.schemas.RowChange;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.zip.GZIPOutputStream;
import org.apache.flink.core.io.InputStatus;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EventFilesTest {

  private static final RecordSchema SCHEMA =
      AvroContracts.of(
          "Payment",
          List.of(
              new Column("id", ColumnType.STRING, false),
              new Column("at", ColumnType.TIMESTAMP, true),
              new Column("amount", ColumnType.DOUBLE, true)));
  private static final int AT = 1;

  private final Path folder;

  EventFilesTest(@TempDir Path folder) {
    this.folder = folder;
  }

  private Path file(String name, String text) throws Exception {
    Path file = folder.resolve(name);
    try (OutputStream bytes = Files.newOutputStream(file);
        OutputStream out = name.endsWith(".gz") ? new GZIPOutputStream(bytes) : bytes) {
      out.write(text.getBytes(StandardCharsets.UTF_8));
    }
    return file;
  }

  /** A record as one readable line. */
  private static String shown(LogRecord record) {
    String place = record.partition + "/" + record.offset + " ";
    byte[] bytes = record.bytes;
    if (bytes != null) {
      assertThat(record.problem).isNotNull();
      return place + "! " + new String(bytes, StandardCharsets.UTF_8);
    }
    assertThat(record.problem).isNull();
    return place + record.eventTime + " " + Arrays.toString(record.values);
  }

  private List<String> read(Path file) throws Exception {
    return Emitted.by(EventFiles.source(file, SCHEMA, AT)).stream()
        .map(EventFilesTest::shown)
        .toList();
  }

  @ParameterizedTest
  @ValueSource(strings = {"e.csv", "e.CSV", "e.csv.gz"})
  void readsCsvInOrderAndKeepsBrokenRecords(String name) throws Exception {
    String text =
        "amount,at,id,more\n1.5,1000,a,x\nlots,2000,b,x\n,3000,c,x\n2,,d,x\n\"2,4000\n7,5000,e,\n";
    assertThat(read(file(name, text)))
        .containsExactly(
            "0/0 1000 [a, 1000, 1.5]",
            "0/1 ! lots,2000,b,x",
            "0/2 3000 [c, 3000, null]",
            "0/3 ! 2,,d,x",
            "0/4 ! \"2,4000",
            "0/5 5000 [e, 5000, 7.0]");
  }

  @ParameterizedTest
  @ValueSource(strings = {"e.json", "e.jsonl", "e.jsonl.gz"})
  void readsJsonLinesInOrderAndKeepsBrokenRecords(String name) throws Exception {
    String text =
        "{\"id\":\"a\",\"at\":1000}\n\n{\"id\":\"b\",\"at\":\n{\"id\":\"c\"}\n{\"id\":\"d\",\"at\":4000}";
    assertThat(read(file(name, text)))
        .containsExactly(
            "0/0 1000 [a, 1000, null]",
            "0/1 ! {\"id\":\"b\",\"at\":",
            "0/2 ! {\"id\":\"c\"}",
            "0/3 4000 [d, 4000, null]");
  }

  @Test
  void saysWhyARecordIsBroken() throws Exception {
    List<LogRecord> records =
        Emitted.by(EventFiles.source(file("e.csv", "id,at,amount\na,,1\n"), SCHEMA, AT));
    assertThat(records)
        .singleElement()
        .satisfies(r -> assertThat(r.problem).contains("column at is NULL"));
  }

  @Test
  void aFileOfAChangelogTellsEnvelopesAndACsvFileInserts() throws Exception {
    String lines =
        """
        {"op":"c","after":{"id":"a","at":1000},"ts_ms":1500}
        {"op":"u","before":{"id":"a","at":1000},"after":{"id":"a","at":2000}}
        {"op":"d","before":{"id":"a","at":2000},"after":null}
        {"op":"d","before":null}
        """;
    List<LogRecord> records =
        Emitted.by(
            EventFiles.source(file("e.jsonl", lines), SCHEMA, AT, RecordFormat.DEBEZIUM_JSON));

    assertThat(records)
        .extracting(record -> record.change + " " + record.eventTime + " " + record.appendTime)
        .containsExactly(
            "INSERT 1000 1500",
            "UPDATE 2000 " + Long.MAX_VALUE,
            "DELETE 2000 " + Long.MAX_VALUE,
            "INSERT " + Long.MIN_VALUE + " " + Long.MAX_VALUE);
    assertThat(records.get(1).before).containsExactly("a", 1000L, null);
    assertThat(records.get(2).values).isNull();
    assertThat(records.get(2).bytes).isNotNull();
    assertThat(records.get(3).problem).contains("REPLICA IDENTITY FULL");
    assertThat(
            Emitted.by(
                EventFiles.source(
                    file("e.csv", "id,at,amount\na,1,2\n"),
                    SCHEMA,
                    AT,
                    RecordFormat.DEBEZIUM_JSON)))
        .singleElement()
        .satisfies(record -> assertThat(record.change).isEqualTo(RowChange.Kind.INSERT));
  }

  @Test
  void findsWrongFilesBeforeTheJobStarts() throws Exception {
    assertRefused(folder.resolve("none.csv"), "none.csv: there is no such file");
    assertRefused(Files.createDirectory(folder.resolve("d.csv")), "is not a file");
    assertRefused(file("e.parquet", ""), "must be one of [.csv, .csv.gz, .json");
    assertRefused(file("e.csv", ""), "its first line must name the columns [id, at, amount]");
    assertRefused(
        file("e.csv", "id,time\n"), "e.csv: the header does not name the columns [at, amount]");
    assertRefused(file("e.csv", "id,time\n"), "it names [time]");
    Files.writeString(folder.resolve("f.csv.gz"), "id,at,amount\n");
    assertRefused(folder.resolve("f.csv.gz"), "not gzip");
    Path good = file("e.csv", "id,at,amount\n");
    assertThatThrownBy(() -> EventFiles.check(good, SCHEMA, 2))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("amount is of type DOUBLE, but it must be a TIMESTAMP");
  }

  private static void assertRefused(Path file, String reason) {
    assertThatThrownBy(() -> EventFiles.source(file, SCHEMA, AT))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(reason);
  }

  @Test
  void aCutOffArchiveFailsTheJobWithItsName() throws Exception {
    StringBuilder lines = new StringBuilder("id,at,amount\n");
    for (int i = 0; i < 50_000; i++) {
      lines.append("p").append(i * 7919L % 10_007).append(",1000,").append(i).append('\n');
    }
    Path whole = file("e.csv.gz", lines.toString());
    byte[] bytes = Files.readAllBytes(whole);
    Files.write(whole, Arrays.copyOf(bytes, bytes.length / 2));

    assertThatThrownBy(() -> read(whole))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("e.csv.gz cannot be read from record")
        .hasMessageContaining("cut off or damaged");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 3, 5})
  void aRestoredReaderGoesOnBehindTheLastRecord(int before) throws Exception {
    Path file = file("e.csv", "id,at,amount\na,1,1\nb,2,2\nbroken\nd,4,4\ne,5,5\n");
    var source = EventFiles.source(file, SCHEMA, AT);
    RecordFileReader first = Emitted.startedReader(source);
    Emitted emitted = new Emitted();
    for (int i = 0; i < before; i++) {
      assertThat(first.pollNext(emitted)).isEqualTo(InputStatus.MORE_AVAILABLE);
    }
    List<FilePosition> checkpoint = first.snapshotState(1);
    first.pollNext(new Emitted()); // Emitted behind the checkpoint: it must come again.
    first.close();

    FilePosition.Serializer serializer = new FilePosition.Serializer();
    FilePosition position = serializer.deserialize(1, serializer.serialize(checkpoint.get(0)));
    RecordFileReader second =
        new RecordFileReader(
            ((RecordFileSource) source).file(),
            () -> {
              throw new AssertionError("asked for a file it has");
            });
    second.addSplits(List.of(position));
    second.start();
    InputStatus status = InputStatus.MORE_AVAILABLE;
    while (status == InputStatus.MORE_AVAILABLE) {
      status = second.pollNext(emitted);
    }
    second.close();

    assertThat(status).isEqualTo(InputStatus.END_OF_INPUT);
    assertThat(emitted.records.stream().map(record -> record.offset))
        .containsExactly(0L, 1L, 2L, 3L, 4L);
  }

  @Test
  void aFileThatShrankIsNotReadOn() throws Exception {
    Path file = file("e.csv", "id,at,amount\na,1,1\n");
    RecordFile records = ((RecordFileSource) EventFiles.source(file, SCHEMA, AT)).file();
    RecordFileReader reader = new RecordFileReader(records, () -> {});
    reader.addSplits(List.of(new FilePosition(file.toString(), 2)));

    assertThatThrownBy(() -> reader.pollNext(new Emitted()))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("has 1 records, but 2 were read");
  }

  @Test
  void aReaderWithoutAFileEnds() throws Exception {
    Path file = file("e.csv", "id,at,amount\na,1,1\n");
    RecordFile records = ((RecordFileSource) EventFiles.source(file, SCHEMA, AT)).file();
    RecordFileReader reader = new RecordFileReader(records, () -> {});
    reader.start();

    assertThat(reader.pollNext(new Emitted())).isEqualTo(InputStatus.NOTHING_AVAILABLE);
    assertThat(reader.isAvailable()).isNotDone();
    reader.notifyNoMoreSplits();
    assertThat(reader.isAvailable()).isDone();
    assertThat(reader.pollNext(new Emitted())).isEqualTo(InputStatus.END_OF_INPUT);
  }
}

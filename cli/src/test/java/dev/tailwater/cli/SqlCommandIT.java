package dev.tailwater.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tailwater.connectors.iceberg.Lake;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** SQL as it is typed, over a lake with a raw table. */
class SqlCommandIT {

  private final Path home;

  SqlCommandIT(@TempDir Path home) {
    this.home = home;
    Lake.local(new TailwaterHome(home).stack().resolve("lake")).ensureRawTable("transactions");
  }

  @Test
  void theDocumentedStatementReadsRawRecords() throws IOException {
    String section =
        Files.readString(Path.of("../docs/history.md")).split("## Reading raw records", 2)[1];
    String statement = section.split("```sql", 2)[1].split("```", 2)[0].strip();

    Outcome read = sql(statement);

    assertThat(read.code()).as(read.err()).isEqualTo(Main.OK);
    assertThat(read.err()).contains("0 rows");
  }

  @Test
  void aNameThatIsAKeywordIsToldToNeedBackticks() {
    Outcome table = sql("SELECT * FROM tailwater.raw.transactions");
    assertThat(table.code()).isEqualTo(Main.FAILED);
    assertThat(table.err())
        .contains(
            "Encountered \". raw\" at line 1, column 24; if raw is a name",
            "write it in backticks, as in tailwater.`raw`.transactions")
        .doesNotContain("\tat ");

    assertThat(sql("SELECT offset FROM tailwater.`raw`.transactions").err())
        .contains("if offset is a name");
  }

  @Test
  void aMistakeThatIsNoNameIsOnlyToBeCorrected() {
    assertThat(sql("SELECT (1").err()).contains("correct it and try again");
  }

  private Outcome sql(String statement) {
    return Outcome.of(home, "sql", statement);
  }
}

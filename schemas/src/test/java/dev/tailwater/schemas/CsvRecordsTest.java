package dev.tailwater.schemas;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CsvRecordsTest {

  /** A stream that delivers few bytes at once, so that records meet the end of the buffer. */
  private static final class Trickle extends InputStream {
    private final InputStream all;
    private final Random random;

    Trickle(byte[] bytes, long seed) {
      all = new ByteArrayInputStream(bytes);
      random = new Random(seed);
    }

    @Override
    public int read() throws IOException {
      return all.read();
    }

    @Override
    public int read(byte[] into, int from, int length) throws IOException {
      return all.read(into, from, Math.min(length, 1 + random.nextInt(5)));
    }
  }

  private static List<List<@Nullable String>> split(byte[] bytes) throws Exception {
    List<List<@Nullable String>> all = new ArrayList<>();
    try (CsvRecords records = new CsvRecords(new Trickle(bytes, 7))) {
      while (records.next()) {
        List<@Nullable String> fields = new ArrayList<>();
        if (records.problem() != null) {
          fields.add("! " + records.line());
        }
        for (int i = 0; i < records.fieldCount(); i++) {
          fields.add(records.isNull(i) ? null : records.text(i));
        }
        all.add(fields);
      }
    }
    return all;
  }

  private static List<List<@Nullable String>> split(String text) throws Exception {
    return split(text.getBytes(StandardCharsets.UTF_8));
  }

  private static List<@Nullable String> fields(@Nullable String... fields) {
    return Arrays.asList(fields);
  }

  @Test
  void splitsLinesWithEveryLineEnd() throws Exception {
    assertThat(split("\uFEFFa,b\r\n1,2\n\n3,\r\n,4"))
        .containsExactly(fields("a", "b"), fields("1", "2"), fields("3", null), fields(null, "4"));
    assertThat(split("a,")).containsExactly(fields("a", null));
    assertThat(split("a\r")).containsExactly(fields("a"));
    assertThat(split("")).isEmpty();
    assertThat(split("\n\r\n")).isEmpty();
  }

  @Test
  void quotedFieldsHoldCommasLineEndsAndQuotes() throws Exception {
    assertThat(split("\"a,1\",\"b\r\n2\",\"say \"\"hi\"\"\",\"\"\r\n\"x\""))
        .containsExactly(fields("a,1", "b\r\n2", "say \"hi\"", ""), fields("x"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"x\"y,1", "\"x\"y,1", "\"x,1", "x,\"1\"2", "\"x,1\"\"\r"})
  void aBrokenLineIsKeptAndItsNeighboursAreRead(String broken) throws Exception {
    assertThat(split("a,b\n" + broken + "\nc,d\n"))
        .containsExactly(fields("a", "b"), fields("! " + broken.strip()), fields("c", "d"));
  }

  @Test
  void anEndlessRecordIsCutAndTheNextOneRead() throws Exception {
    String endless = "x".repeat(3 << 20);
    for (String start : List.of("", "\"")) {
      List<List<@Nullable String>> all = split("a\n" + start + endless + "\nb\n");
      assertThat(all).hasSize(3);
      assertThat(all.get(1).get(0)).hasSize(2 + (64 << 10));
      assertThat(all.get(2)).isEqualTo(fields("b"));
    }
  }

  @Test
  void aQuoteLeftOpenDoesNotSwallowTheFile() throws Exception {
    String lines = "abcdefg\n".repeat(300_000);
    List<List<@Nullable String>> all = split("\"open\n" + lines);
    assertThat(all).hasSize(300_001);
    assertThat(all.get(0)).isEqualTo(fields("! \"open"));
  }

  @ParameterizedTest(name = "seed {0}")
  @ValueSource(longs = {1, 2, 3, 4, 5})
  void readsBackWhatIsQuotedAsTheStandardSays(long seed) throws Exception {
    Random random = new Random(seed);
    String alphabet = "ab,\"\n\ré";
    for (int round = 0; round < 300; round++) {
      StringBuilder file = new StringBuilder();
      List<List<@Nullable String>> expected = new ArrayList<>();
      for (int record = 0; record < 5; record++) {
        List<@Nullable String> fields = new ArrayList<>();
        for (int field = 0; field < 3; field++) {
          StringBuilder text = new StringBuilder();
          for (int length = random.nextInt(5); length > 0; length--) {
            text.append(alphabet.charAt(random.nextInt(alphabet.length())));
          }
          fields.add(text.toString());
          file.append(field == 0 ? "" : ",");
          file.append('"').append(text.toString().replace("\"", "\"\"")).append('"');
        }
        file.append(random.nextBoolean() ? "\n" : "\r\n");
        expected.add(fields);
      }
      assertThat(split(file.toString())).isEqualTo(expected);
    }
  }

  @Test
  void aHeaderMustNameEachColumnOnce() throws Exception {
    assertThatThrownBy(() -> header("a,b,a")).hasMessageContaining("column 'a' twice");
    assertThatThrownBy(() -> header("a,\"b")).hasMessageContaining("the header cannot be read");
    assertThat(header("a,\"b,c\"")).containsExactly("a", "b,c");
  }

  private static List<String> header(String line) throws IOException {
    try (CsvRecords records =
        new CsvRecords(new ByteArrayInputStream(line.getBytes(StandardCharsets.UTF_8)))) {
      records.next();
      return records.header();
    }
  }
}

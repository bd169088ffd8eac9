package dev.tailwater.schemas;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class LineRecordsTest {

  private static List<String> lines(String text) throws Exception {
    List<String> lines = new ArrayList<>();
    try (LineRecords records =
        new LineRecords(new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)))) {
      while (records.next()) {
        String line = new String(records.bytes(), StandardCharsets.UTF_8);
        lines.add(records.problem() == null ? line : "! " + line.length());
      }
    }
    return lines;
  }

  @Test
  void splitsAtEveryLineEndAndSkipsEmptyLines() throws Exception {
    assertThat(lines("\uFEFF{}\r\n\n[1]\n \nx")).containsExactly("{}", "[1]", " ", "x");
    assertThat(lines("")).isEmpty();
  }

  @Test
  void anEndlessLineIsCutAndTheNextOneRead() throws Exception {
    assertThat(lines("a\n" + "x".repeat(3 << 20) + "\nb")).containsExactly("a", "! 65536", "b");
    assertThat(lines("x".repeat(3 << 20))).containsExactly("! 65536");
  }
}

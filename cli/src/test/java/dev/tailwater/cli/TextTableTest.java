package dev.tailwater.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class TextTableTest {

  @Test
  void alignsNumbersToTheRightAndTextToTheLeft() {
    TextTable table = new TextTable(List.of("customer", "count"), new boolean[] {false, true});
    table.add(List.of("a", "7"));
    table.add(List.of("a-long-customer", "1234567"));

    assertThat(table.lines())
        .containsExactly(
            "customer           count",
            "---------------  -------",
            "a                      7",
            "a-long-customer  1234567");
  }
}

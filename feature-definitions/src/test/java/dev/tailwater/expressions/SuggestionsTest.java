package dev.tailwater.expressions;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

class SuggestionsTest {

  private static final List<String> KNOWN = List.of("tx_amount", "tx_time", "customer_id");

  @Test
  void findsTheNameThatWasMeant() {
    assertThat(Suggestions.nearest("tx_amuont", KNOWN)).contains("tx_amount");
    assertThat(Suggestions.nearest("TX_TIME", KNOWN)).contains("tx_time");
    assertThat(Suggestions.nearest("customerid", KNOWN)).contains("customer_id");
  }

  @Test
  void listsTheNamesWhenNoneIsNear() {
    assertThat(Suggestions.nearest("merchant", KNOWN)).isEmpty();
    assertThat(Suggestions.nextStep("merchant", KNOWN))
        .isEqualTo("there are tx_amount, tx_time, customer_id");
    assertThat(Suggestions.nextStep("merchant", List.of())).isEqualTo("there is none yet");
  }
}

package dev.tailwater.plan;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tailwater.definitions.ProjectLoader;
import dev.tailwater.schemas.Column;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ExamplePlansTest {

  private static final String FRAUD = "examples/fraud";
  private static final String HANDBOOK =
      "../end-to-end-tests/src/test/resources/projects/fraud-handbook";

  @ParameterizedTest
  @ValueSource(strings = {FRAUD, HANDBOOK})
  void everyPositionNamesWhatItShould(String folder) {
    PlanInvariants.check(PlanCompiler.compile(ProjectLoader.load(Path.of(folder))));
  }

  @ParameterizedTest
  @ValueSource(strings = {FRAUD, HANDBOOK})
  void aPlanSurvivesSerialization(String folder) throws Exception {
    Plan plan = PlanCompiler.compile(ProjectLoader.load(Path.of(folder)));
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(plan);
    }
    Plan read;
    try (ObjectInputStream in =
        new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
      read = (Plan) in.readObject();
    }
    assertThat(read).usingRecursiveComparison().isEqualTo(plan);
    assertThat(read.models().get(0).labels()).isEqualTo(plan.models().get(0).labels());
  }

  @Test
  void aProjectKeepsItsVersionsWhenTheLanguageGrows() {
    Plan plan = PlanCompiler.compile(ProjectLoader.load(Path.of(HANDBOOK)));

    assertThat(plan.views())
        .extracting(ViewPlan::version)
        .as("another version makes every project that is deployed compute its history anew")
        .containsExactly("2c5aec96fbd0", "98e6e6f4a1b0", "35e44971cf08");
    assertThat(plan.models().get(0).version()).isEqualTo("cc8af1d62847");
  }

  @Test
  void theFraudExampleCarriesOnlyWhatIsUsed() {
    Plan plan = PlanCompiler.compile(ProjectLoader.load(Path.of(FRAUD)));

    assertThat(plan.project()).isEqualTo("fraud");
    assertThat(plan.streams())
        .extracting(StreamPlan::name)
        .containsExactly("transactions", "fraud_reports");
    assertThat(names(plan.streams().get(0).carried()))
        .containsExactly(
            "transaction_id", "customer_id", "tx_amount", "is_night", "terminal_id", "is_weekend");
    assertThat(names(plan.streams().get(1).carried()))
        .containsExactly("report_id", "terminal_id", "is_fraud", "transaction_id");
    assertThat(plan.entities().get(0).keyPositions().get(0)).containsExactly(1);
    assertThat(plan.entities().get(0).keyPositions().get(1)).isNull();
    assertThat(plan.entities().get(1).keyPositions().get(0)).containsExactly(4);
    assertThat(plan.entities().get(1).keyPositions().get(1)).containsExactly(1);
    assertThat(names(plan.views().get(0).features()))
        .containsExactly(
            "amount_avg_1d",
            "amount_avg_7d",
            "amount_avg_30d",
            "amount_max",
            "night_sum",
            "tx_count_1d",
            "tx_count_7d",
            "tx_count_30d");
    assertThat(plan.models().get(0).vector()).hasSize(3 + 8 + 4 + 6 + 1);
  }

  private static List<String> names(List<Column> columns) {
    return columns.stream().map(Column::name).toList();
  }
}

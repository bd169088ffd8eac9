package dev.tailwater.cli.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tailwater.cli.demo.SimulatedEvent.FraudKind;
import dev.tailwater.cli.demo.SimulatedEvent.FraudReport;
import dev.tailwater.cli.demo.SimulatedEvent.Transaction;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FraudSimulatorTest {

  private static final Duration DISORDER = Duration.ofSeconds(5);

  @Test
  void theSameSeedGivesTheSameEvents() {
    assertThat(transactionsThenReports(42, 5_000)).isEqualTo(transactionsThenReports(42, 5_000));
    assertThat(transactionsThenReports(42, 100)).isNotEqualTo(transactionsThenReports(43, 100));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void everyPaymentGetsOneReportTwoToSevenDaysLater(long seed) {
    Map<String, Transaction> unreported = new HashMap<>();
    for (SimulatedEvent event : transactionsThenReports(seed, 20_000)) {
      if (event instanceof Transaction transaction) {
        unreported.put(transaction.transactionId(), transaction);
      } else if (event instanceof FraudReport report) {
        Transaction transaction = unreported.remove(report.transactionId());
        assertThat(transaction).isNotNull();
        assertThat(report.eventTime() - transaction.eventTime())
            .isBetween(Duration.ofDays(2).toMillis(), Duration.ofDays(7).toMillis());
        assertThat(report.fraud()).isEqualTo(transaction.kind() != FraudKind.NONE);
        assertThat(report.customerId()).isEqualTo(transaction.customerId());
        assertThat(report.terminalId()).isEqualTo(transaction.terminalId());
      }
    }
    assertThat(unreported).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void oneToTwoOfAHundredPaymentsAreFraudOfEveryKind(long seed) {
    Map<FraudKind, Integer> counts = new HashMap<>();
    int total = 0;
    for (SimulatedEvent event : transactionsThenReports(seed, 120_000)) {
      if (event instanceof Transaction transaction) {
        counts.merge(transaction.kind(), 1, Integer::sum);
        total++;
      }
    }
    assertThat(1 - counts.getOrDefault(FraudKind.NONE, 0) / (double) total).isBetween(0.01, 0.02);
    for (FraudKind kind :
        List.of(FraudKind.COMPROMISED_TERMINAL, FraudKind.STOLEN_CARD, FraudKind.CARD_TESTING)) {
      assertThat(counts.getOrDefault(kind, 0) / (double) total)
          .as(kind.name())
          .isBetween(0.0015, 0.009);
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void eventsAreOutOfOrderButNeverByMoreThanTheDeclaredDisorder(long seed) {
    long newest = Long.MIN_VALUE;
    int outOfOrder = 0;
    for (SimulatedEvent event : transactionsThenReports(seed, 20_000)) {
      if (event.eventTime() < newest) {
        outOfOrder++;
        assertThat(newest - event.eventTime()).isLessThan(DISORDER.toMillis());
      }
      newest = Math.max(newest, event.eventTime());
    }
    assertThat(outOfOrder).isPositive();
  }

  @Test
  void mostPaymentsAreMadeByDay() {
    int night = 0;
    int total = 0;
    for (SimulatedEvent event : transactionsThenReports(7, 20_000)) {
      if (event instanceof Transaction) {
        night += Math.floorMod(event.eventTime(), 86_400_000L) < 7 * 3_600_000L ? 1 : 0;
        total++;
      }
    }
    assertThat(night / (double) total).isBetween(0.03, 0.15);
  }

  @Test
  void theTrafficIsWhatWasAskedFor() {
    long first = Long.MAX_VALUE;
    long last = Long.MIN_VALUE;
    for (SimulatedEvent event : transactionsThenReports(7, 40_000)) {
      if (event instanceof Transaction) {
        first = Math.min(first, event.eventTime());
        last = Math.max(last, event.eventTime());
      }
    }
    // Twenty days at 2,000 a day; fraud comes on top.
    assertThat((last - first) / 86_400_000.0).isBetween(19.0, 21.0);
  }

  @Test
  void theWorldEndsWithItsLastReport() {
    FraudSimulator simulator = simulator(1);
    simulator.next();
    simulator.endPayments();
    while (simulator.hasNext()) {
      simulator.next();
    }
    assertThatThrownBy(simulator::next)
        .isInstanceOf(NoSuchElementException.class)
        .hasMessageContaining("ended");
  }

  private static List<SimulatedEvent> transactionsThenReports(long seed, int transactions) {
    FraudSimulator simulator = simulator(seed);
    List<SimulatedEvent> events = new ArrayList<>();
    int seen = 0;
    while (simulator.hasNext()) {
      SimulatedEvent event = simulator.next();
      events.add(event);
      if (event instanceof Transaction && ++seen == transactions) {
        simulator.endPayments();
      }
    }
    return events;
  }

  private static FraudSimulator simulator(long seed) {
    return new FraudSimulator(
        new FraudSimulator.Settings(
            seed, Instant.parse("2026-01-01T00:00:00Z"), 1_300, 400, 2_000, DISORDER));
  }
}

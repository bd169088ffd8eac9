package dev.tailwater.cli.demo;

import dev.tailwater.cli.demo.SimulatedEvent.FraudKind;
import dev.tailwater.cli.demo.SimulatedEvent.FraudReport;
import dev.tailwater.cli.demo.SimulatedEvent.Transaction;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.PriorityQueue;
import java.util.SplittableRandom;

/**
 * An endless, seeded world of card payments: customers with a home, habits and a few terminals they
 * go to; terminals on the same map; three kinds of fraud; and one report per payment, two to seven
 * days later, that says whether it was fraud.
 *
 * <p>Events come in event-time order of both streams together, except that an event may be emitted
 * up to {@link Settings#disorder()} late, as on a real log: an event never follows one that is more
 * than the disorder newer. The same settings give the same events, always. The memory used is
 * bounded by the reports of seven days. Not thread-safe.
 */
public final class FraudSimulator implements Iterator<SimulatedEvent> {

  private static final long HOUR_MS = Duration.ofHours(1).toMillis();
  private static final long DAY_MS = Duration.ofDays(1).toMillis();
  private static final double MAP_SIZE = 100;
  private static final int TERMINALS_PER_CUSTOMER = 8;

  /** Shares of all payments; together with the traffic they give the number of incidents. */
  private static final double COMPROMISED_TERMINAL_SHARE = 0.006;

  private static final double STOLEN_CARD_SHARE = 0.005;
  private static final double CARD_TESTING_SHARE = 0.004;
  private static final double UNEXPLAINED_SHARE = 0.0004;

  /** How long a terminal is compromised, and a stolen card used, in the mean. */
  private static final int INCIDENT_DAYS = 30;

  private static final int THEFT_DAYS = 4;

  /** How probable a payment at a compromised terminal is a fraudulent one. */
  private static final double COMPROMISED_TERMINAL_HIT = 0.9;

  /**
   * The size and the speed of the world.
   *
   * @param seed everything random follows from it
   * @param start event time of the beginning
   * @param customers at least 1
   * @param terminals at least 1
   * @param transactionsPerDay honest payments of all customers in one day of event time, more than
   *     0
   * @param disorder how late an event may be emitted, at least 0
   */
  public record Settings(
      long seed,
      Instant start,
      int customers,
      int terminals,
      double transactionsPerDay,
      Duration disorder) {

    public Settings {
      if (customers < 1 || terminals < 1 || !(transactionsPerDay > 0) || disorder.isNegative()) {
        throw new IllegalArgumentException(
            "a world needs at least one customer (%d), one terminal (%d), payments (%s a day) and a disorder that is not negative (%s)"
                .formatted(customers, terminals, transactionsPerDay, disorder));
      }
    }
  }

  private record Terminal(String id, double x, double y) {}

  /**
   * A customer's habits; {@code nightOwl} is the probability that a payment due at night is made at
   * night, and the cumulative weights say which of the near terminals is used.
   */
  private record Customer(
      String id,
      double medianAmount,
      double ratePerHour,
      double nightOwl,
      int[] nearTerminals,
      double[] cumulativeWeights) {}

  /** Something that will happen to one customer or terminal. */
  private record Step(long time, long order, StepKind kind, int subject, int remaining) {}

  private enum StepKind {
    HONEST_PAYMENT,
    TERMINAL_INCIDENT,
    THEFT_INCIDENT,
    STOLEN_CARD_PAYMENT,
    TESTING_INCIDENT,
    TESTING_PAYMENT
  }

  private record Emission(long emittedAt, long order, SimulatedEvent event) {}

  private final Settings settings;
  private final SplittableRandom random;
  private final List<Terminal> terminals = new ArrayList<>();
  private final List<Customer> customers = new ArrayList<>();

  /** Expected honest payments an hour. */
  private final double[] terminalTraffic;

  private final long[] terminalCompromisedUntil;
  private final long[] cardStolenUntil;

  private final PriorityQueue<Step> steps =
      new PriorityQueue<>(Comparator.comparingLong(Step::time).thenComparingLong(Step::order));
  private final PriorityQueue<FraudReport> reports =
      new PriorityQueue<>(
          Comparator.comparingLong(FraudReport::eventTime).thenComparing(FraudReport::reportId));
  private final PriorityQueue<Emission> emissions =
      new PriorityQueue<>(
          Comparator.comparingLong(Emission::emittedAt).thenComparingLong(Emission::order));

  private long order;
  private long transactionCount;
  private boolean paymentsEnded;

  public FraudSimulator(Settings settings) {
    this.settings = settings;
    this.random = new SplittableRandom(settings.seed());
    this.terminalTraffic = new double[settings.terminals()];
    this.terminalCompromisedUntil = new long[settings.terminals()];
    this.cardStolenUntil = new long[settings.customers()];
    foundTowns();
    long start = settings.start().toEpochMilli();
    for (int i = 0; i < settings.customers(); i++) {
      schedule(start + nextHonestGap(i), StepKind.HONEST_PAYMENT, i, 0);
    }
    // The world is not new: incidents of earlier days are still under way.
    for (long i = Math.round(terminalIncidentsPerDay() * INCIDENT_DAYS); i > 0; i--) {
      compromiseTerminal(start, 1);
    }
    for (long i = Math.round(theftsPerDay() * THEFT_DAYS); i > 0; i--) {
      stealCard(start, 1);
    }
    schedule(start + nextIncidentGap(terminalIncidentsPerDay()), StepKind.TERMINAL_INCIDENT, 0, 0);
    schedule(start + nextIncidentGap(theftsPerDay()), StepKind.THEFT_INCIDENT, 0, 0);
    schedule(start + nextIncidentGap(testingsPerDay()), StepKind.TESTING_INCIDENT, 0, 0);
  }

  /**
   * No payment happens from now on: only those already due and the reports that are still missing
   * follow, and then the world ends.
   */
  public void endPayments() {
    paymentsEnded = true;
    steps.clear();
  }

  /** False only after {@link #endPayments()}, when the last report was emitted. */
  @Override
  public boolean hasNext() {
    return !paymentsEnded || !reports.isEmpty() || !emissions.isEmpty();
  }

  @Override
  public SimulatedEvent next() {
    // An event waits at most the disorder: what is generated up to then can still overtake it.
    while (emissions.isEmpty() || nextGeneratedTime() <= emissions.element().emittedAt()) {
      if (!generate()) {
        break;
      }
    }
    if (emissions.isEmpty()) {
      throw new NoSuchElementException("the simulated world has ended");
    }
    return emissions.remove().event();
  }

  private long nextGeneratedTime() {
    long step = steps.isEmpty() ? Long.MAX_VALUE : steps.element().time();
    long report = reports.isEmpty() ? Long.MAX_VALUE : reports.element().eventTime();
    return Math.min(step, report);
  }

  /** Takes the next step of the world; false if nothing is left to happen. */
  private boolean generate() {
    boolean reportIsNext =
        !reports.isEmpty()
            && (steps.isEmpty() || reports.element().eventTime() <= steps.element().time());
    if (reportIsNext) {
      emit(reports.remove());
      return true;
    }
    if (steps.isEmpty()) {
      return false;
    }
    Step step = steps.remove();
    switch (step.kind()) {
      case HONEST_PAYMENT -> honestPayment(step);
      case TERMINAL_INCIDENT -> {
        compromiseTerminal(step.time(), INCIDENT_DAYS * 2 / 3);
        schedule(
            step.time() + nextIncidentGap(terminalIncidentsPerDay()),
            StepKind.TERMINAL_INCIDENT,
            0,
            0);
      }
      case THEFT_INCIDENT -> {
        stealCard(step.time(), THEFT_DAYS / 2);
        schedule(step.time() + nextIncidentGap(theftsPerDay()), StepKind.THEFT_INCIDENT, 0, 0);
      }
      case STOLEN_CARD_PAYMENT -> stolenCardPayment(step);
      case TESTING_INCIDENT -> {
        int customer = random.nextInt(settings.customers());
        schedule(step.time(), StepKind.TESTING_PAYMENT, customer, 12 + random.nextInt(9));
        schedule(step.time() + nextIncidentGap(testingsPerDay()), StepKind.TESTING_INCIDENT, 0, 0);
      }
      case TESTING_PAYMENT -> testingPayment(step);
    }
    return true;
  }

  /** For at least so many days, and in the mean of new incidents for {@link #INCIDENT_DAYS}. */
  private void compromiseTerminal(long time, int leastDays) {
    long longest = INCIDENT_DAYS * 4 / 3 * DAY_MS;
    terminalCompromisedUntil[ordinaryTerminal()] = time + between(leastDays * DAY_MS, longest);
  }

  /** For at least so many days, and in the mean of new thefts for {@link #THEFT_DAYS}. */
  private void stealCard(long time, int leastDays) {
    int customer = random.nextInt(settings.customers());
    cardStolenUntil[customer] = time + between(leastDays * DAY_MS, THEFT_DAYS * 3 / 2 * DAY_MS);
    schedule(time + between(0, HOUR_MS), StepKind.STOLEN_CARD_PAYMENT, customer, 0);
  }

  private void honestPayment(Step step) {
    Customer customer = customers.get(step.subject());
    boolean moved = step.remaining() == 1;
    if (!moved) {
      // The next one is due whenever this one is made: moving payments must not make them fewer.
      schedule(
          step.time() + nextHonestGap(step.subject()), StepKind.HONEST_PAYMENT, step.subject(), 0);
    }
    long sinceMidnight = Math.floorMod(step.time(), DAY_MS);
    if (sinceMidnight < 7 * HOUR_MS && !moved && random.nextDouble() >= customer.nightOwl()) {
      // Most people sleep: the payment happens in the following day instead.
      long morning = step.time() - sinceMidnight + 7 * HOUR_MS;
      schedule(morning + between(0, 16 * HOUR_MS), StepKind.HONEST_PAYMENT, step.subject(), 1);
      return;
    }
    int terminal = nearTerminal(customer);
    double amount = customer.medianAmount() * Math.exp(0.5 * random.nextGaussian());
    FraudKind kind = FraudKind.NONE;
    if (step.time() < terminalCompromisedUntil[terminal]
        && random.nextDouble() < COMPROMISED_TERMINAL_HIT) {
      kind = FraudKind.COMPROMISED_TERMINAL;
    } else if (random.nextDouble() < UNEXPLAINED_SHARE) {
      kind = FraudKind.UNEXPLAINED;
    }
    pay(step.time(), customer, terminal, amount, kind);
  }

  private void stolenCardPayment(Step step) {
    if (step.time() >= cardStolenUntil[step.subject()]) {
      return; // The owner noticed: the card is blocked.
    }
    Customer customer = customers.get(step.subject());
    double amount = customer.medianAmount() * (4 + 5 * random.nextDouble());
    pay(
        step.time(),
        customer,
        random.nextInt(settings.terminals()), // A thief does not live where the owner does.
        amount,
        FraudKind.STOLEN_CARD);
    schedule(
        step.time() + between(2 * HOUR_MS, 12 * HOUR_MS),
        StepKind.STOLEN_CARD_PAYMENT,
        step.subject(),
        0);
  }

  private void testingPayment(Step step) {
    Customer customer = customers.get(step.subject());
    boolean last = step.remaining() == 0;
    double amount =
        last
            ? customer.medianAmount() * (6 + 6 * random.nextDouble())
            : 0.5 + 1.5 * random.nextDouble();
    pay(
        step.time(),
        customer,
        random.nextInt(settings.terminals()),
        amount,
        FraudKind.CARD_TESTING);
    if (!last) {
      schedule(
          step.time() + between(1_000, 90_000),
          StepKind.TESTING_PAYMENT,
          step.subject(),
          step.remaining() - 1);
    }
  }

  private void pay(long time, Customer customer, int terminal, double amount, FraudKind kind) {
    String number = "%09d".formatted(transactionCount++);
    Transaction transaction =
        new Transaction(
            "tx-" + number,
            time,
            customer.id(),
            terminals.get(terminal).id(),
            Math.max(1, Math.round(amount * 100)) / 100.0,
            kind);
    emit(transaction);
    reports.add(
        new FraudReport(
            "report-" + number,
            transaction.transactionId(),
            transaction.customerId(),
            transaction.terminalId(),
            time + between(2 * DAY_MS, 7 * DAY_MS),
            kind != FraudKind.NONE));
  }

  private void emit(SimulatedEvent event) {
    long disorder = settings.disorder().toMillis();
    long late = disorder == 0 ? 0 : random.nextLong(disorder);
    emissions.add(new Emission(event.eventTime() + late, order++, event));
  }

  private void schedule(long time, StepKind kind, int subject, int remaining) {
    steps.add(new Step(time, order++, kind, subject, remaining));
  }

  /** Terminals gather in towns; customers live around them and use what is near. */
  private void foundTowns() {
    int towns = Math.max(1, settings.terminals() / 25);
    double[] townX = new double[towns];
    double[] townY = new double[towns];
    for (int i = 0; i < towns; i++) {
      townX[i] = MAP_SIZE * random.nextDouble();
      townY[i] = MAP_SIZE * random.nextDouble();
    }
    for (int i = 0; i < settings.terminals(); i++) {
      int town = random.nextInt(towns);
      terminals.add(
          new Terminal(
              "t-%05d".formatted(i),
              townX[town] + 3 * random.nextGaussian(),
              townY[town] + 3 * random.nextGaussian()));
    }
    double meanRatePerHour = settings.transactionsPerDay() / settings.customers() / 24;
    for (int i = 0; i < settings.customers(); i++) {
      int town = random.nextInt(towns);
      customers.add(
          customer(
              i,
              townX[town] + 5 * random.nextGaussian(),
              townY[town] + 5 * random.nextGaussian(),
              meanRatePerHour));
    }
  }

  private Customer customer(int index, double x, double y, double meanRatePerHour) {
    int near = Math.min(TERMINALS_PER_CUSTOMER, terminals.size());
    int[] nearest = new int[near];
    double[] distances = new double[near];
    int found = 0;
    for (int t = 0; t < terminals.size(); t++) {
      double distance = Math.hypot(terminals.get(t).x() - x, terminals.get(t).y() - y);
      if (found == near && distance >= distances[near - 1]) {
        continue;
      }
      int place = found < near ? found++ : near - 1;
      while (place > 0 && distances[place - 1] > distance) {
        distances[place] = distances[place - 1];
        nearest[place] = nearest[place - 1];
        place--;
      }
      distances[place] = distance;
      nearest[place] = t;
    }
    double[] cumulative = new double[near];
    double sum = 0;
    for (int i = 0; i < near; i++) {
      sum += 1 / (1 + distances[i]);
      cumulative[i] = sum;
    }
    double median = 15 * Math.exp(0.8 * random.nextGaussian()) + 5;
    // Between a third and about twice the mean: some people pay everything by card.
    double rate = meanRatePerHour * (0.35 + 1.3 * random.nextDouble());
    double nightOwl = random.nextDouble() < 0.1 ? 0.8 : 0.1;
    for (int i = 0; i < near; i++) {
      double weight = cumulative[i] - (i == 0 ? 0 : cumulative[i - 1]);
      terminalTraffic[nearest[i]] += rate * weight / sum;
    }
    return new Customer("c-%05d".formatted(index), median, rate, nightOwl, nearest, cumulative);
  }

  private int nearTerminal(Customer customer) {
    double[] cumulative = customer.cumulativeWeights();
    double point = random.nextDouble() * cumulative[cumulative.length - 1];
    for (int i = 0; i < cumulative.length - 1; i++) {
      if (point < cumulative[i]) {
        return customer.nearTerminals()[i];
      }
    }
    return customer.nearTerminals()[cumulative.length - 1];
  }

  private long nextHonestGap(int customer) {
    Customer habits = customers.get(customer);
    return Math.max(1, (long) (exponential() / habits.ratePerHour() * HOUR_MS));
  }

  /** Of three terminals the one with the middle traffic: incidents of about equal size. */
  private int ordinaryTerminal() {
    int a = random.nextInt(settings.terminals());
    int b = random.nextInt(settings.terminals());
    int c = random.nextInt(settings.terminals());
    double middle =
        Math.max(
            Math.min(terminalTraffic[a], terminalTraffic[b]),
            Math.min(Math.max(terminalTraffic[a], terminalTraffic[b]), terminalTraffic[c]));
    return terminalTraffic[a] == middle ? a : terminalTraffic[b] == middle ? b : c;
  }

  private double terminalIncidentsPerDay() {
    double paymentsPerTerminalAndDay = settings.transactionsPerDay() / settings.terminals();
    double paymentsPerIncident =
        paymentsPerTerminalAndDay * INCIDENT_DAYS * COMPROMISED_TERMINAL_HIT;
    return settings.transactionsPerDay() * COMPROMISED_TERMINAL_SHARE / paymentsPerIncident;
  }

  private double theftsPerDay() {
    double paymentsPerIncident = THEFT_DAYS * 24 / 7.0;
    return settings.transactionsPerDay() * STOLEN_CARD_SHARE / paymentsPerIncident;
  }

  private double testingsPerDay() {
    double paymentsPerIncident = 17;
    return settings.transactionsPerDay() * CARD_TESTING_SHARE / paymentsPerIncident;
  }

  private long nextIncidentGap(double perDay) {
    return Math.max(1, (long) (exponential() / perDay * DAY_MS));
  }

  /** Exponentially distributed with mean 1. */
  private double exponential() {
    return -Math.log(1 - random.nextDouble());
  }

  private long between(long fromInclusive, long toExclusive) {
    return random.nextLong(fromInclusive, toExclusive);
  }
}

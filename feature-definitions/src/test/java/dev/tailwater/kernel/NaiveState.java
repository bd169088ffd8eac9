package dev.tailwater.kernel;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The oracle: every answer from the list of all facts, in the words of the contract. */
final class NaiveState {

  private static final Comparator<Fact> LOG_ORDER =
      Comparator.comparingLong((Fact fact) -> fact.time)
          .thenComparingInt(fact -> fact.partition)
          .thenComparingLong(fact -> fact.offset);

  private final StateLayout layout;
  private final List<Fact> facts = new ArrayList<>();

  NaiveState(StateLayout layout) {
    this.layout = layout;
  }

  boolean insert(Fact fact) {
    for (int i = 0; i < facts.size(); i++) {
      Fact known = facts.get(i);
      if (layout.identity() == Identity.EVENT
          && known.time == fact.time
          && known.idHash == fact.idHash) {
        if (LOG_ORDER.compare(fact, known) < 0) {
          facts.set(i, fact);
        }
        return false;
      }
    }
    facts.add(fact);
    return true;
  }

  @Nullable Object[] answer(long asOf) {
    @Nullable Object[] answer = new Object[layout.features().size()];
    for (int i = 0; i < answer.length; i++) {
      answer[i] = value(layout.features().get(i), asOf);
    }
    return answer;
  }

  private @Nullable Object value(FeatureSpec feature, long asOf) {
    long newest = asOf - feature.window().delayMs();
    List<Fact> inWindow =
        facts.stream()
            .filter(fact -> fact.time > newest - window(feature) && fact.time <= newest)
            .filter(fact -> feature.filter() < 0 || (fact.filterBits >> feature.filter() & 1) != 0)
            .toList();
    if (feature.aggregation().column() < 0) {
      return (long) inWindow.size();
    }
    List<Object> values = new ArrayList<>();
    for (Fact fact : inWindow) {
      Object value = fact.values[feature.aggregation().column()];
      if (value != null) {
        values.add(value);
      }
    }
    if (feature.aggregation().function() == Aggregate.COUNT) {
      return (long) values.size();
    }
    if (values.isEmpty()) {
      return feature.empty();
    }
    return switch (feature.aggregation().function()) {
      case COUNT -> throw new AssertionError("answered above");
      case SUM -> sum(values);
      case AVG -> sum(values) / values.size();
      case MIN -> values.stream().min(NaiveState::compare).orElseThrow();
      case MAX -> values.stream().max(NaiveState::compare).orElseThrow();
      default -> throw new AssertionError("not expected");
    };
  }

  private static long window(FeatureSpec feature) {
    return ((Window.Sliding) feature.window()).windowMs();
  }

  static double sum(List<Object> values) {
    BigDecimal sum = BigDecimal.ZERO;
    double special = 0;
    for (Object value : values) {
      if (value instanceof Double number && !Double.isFinite(number)) {
        special += number;
      } else if (value instanceof Double number) {
        sum = sum.add(new BigDecimal(number));
      } else if (value instanceof Boolean truth) {
        sum = sum.add(truth ? BigDecimal.ONE : BigDecimal.ZERO);
      } else {
        sum = sum.add(new BigDecimal(new BigInteger(value.toString())));
      }
    }
    return special != 0 || Double.isNaN(special) ? special : sum.doubleValue();
  }

  private static int compare(Object left, Object right) {
    if (left instanceof Double number) {
      return number.compareTo((Double) right);
    }
    if (left instanceof Integer number) {
      return number.compareTo((Integer) right);
    }
    if (left instanceof Long number) {
      return number.compareTo((Long) right);
    }
    return ((Boolean) left).compareTo((Boolean) right);
  }

  @Nullable Fact cause(long asOf) {
    return facts.stream().filter(fact -> fact.time <= asOf).max(LOG_ORDER).orElse(null);
  }

  long nextFactTime(long after) {
    return facts.stream()
        .mapToLong(fact -> fact.time)
        .filter(time -> time > after)
        .min()
        .orElse(Long.MAX_VALUE);
  }

  long nextChange(int firstFeature, int count, long asOf) {
    long earliest = Long.MAX_VALUE;
    for (FeatureSpec feature : layout.features().subList(firstFeature, firstFeature + count)) {
      for (Fact fact : facts) {
        if (fact.time <= asOf) {
          long enters = fact.time + feature.window().delayMs();
          long leaves = enters + window(feature);
          if (enters > asOf) {
            earliest = Math.min(earliest, enters);
          }
          if (leaves > asOf) {
            earliest = Math.min(earliest, leaves);
          }
        }
      }
    }
    return earliest;
  }

  long lastFactTime() {
    return facts.stream().mapToLong(fact -> fact.time).max().orElse(Long.MIN_VALUE);
  }

  List<Fact> facts() {
    return facts;
  }
}

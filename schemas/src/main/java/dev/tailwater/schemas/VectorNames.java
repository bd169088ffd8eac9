package dev.tailwater.schemas;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;

/**
 * Collects the feature vector of one prediction after the other. Neighbouring predictions nearly
 * always have the same names: then they share one list. Not thread-safe.
 */
final class VectorNames {

  private List<String> last = List.of();
  private List<String> changed = new ArrayList<>();
  private boolean same = true;
  private double[] values = new double[16];
  private int count;

  void start() {
    changed = new ArrayList<>();
    same = true;
    count = 0;
  }

  /** Adds the next feature; NaN is a missing value. */
  void add(String name, double value) {
    if (same && (count >= last.size() || !last.get(count).equals(name))) {
      same = false;
      changed.addAll(last.subList(0, count));
    }
    if (!same) {
      changed.add(name);
    }
    if (count == values.length) {
      values = Arrays.copyOf(values, 2 * count);
    }
    values[count++] = value;
  }

  /** The names added since the start. */
  List<String> names() throws UndecodableRecordException {
    if (same && count < last.size()) {
      same = false;
      changed.addAll(last.subList(0, count));
    }
    if (!same) {
      if (new HashSet<>(changed).size() != count) {
        throw new UndecodableRecordException("a feature stands twice in the vector");
      }
      last = List.copyOf(changed);
      same = true;
    }
    return last;
  }

  /** A copy of the values added since the start. */
  double[] values() {
    return Arrays.copyOf(values, count);
  }
}

package dev.tailwater.plan;

import dev.tailwater.schemas.Column;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.TreeSet;

/** Grows what a derived stream carries behind the row of the stream it is derived from. */
final class ChainLayout {

  /** Until the row in front is complete, values are counted from here. */
  private static final int FIRST_VALUE = 1 << 20;

  private final String name;
  private final int from;
  private final StreamLayout fromLayout;
  private final TreeSet<Integer> views = new TreeSet<>();
  private final List<ModelPlan.Source> values = new ArrayList<>();
  private final List<Column> columns = new ArrayList<>();

  /**
   * @param view position in the plan of the view that the stream's events ask in any case
   */
  ChainLayout(String name, int from, StreamLayout fromLayout, int view) {
    this.name = name;
    this.from = from;
    this.fromLayout = fromLayout;
    views.add(view);
  }

  /** The views that its events ask. */
  List<Integer> views() {
    return List.copyOf(views);
  }

  /** A position that {@link #resolved} turns into that of the value in the carried row. */
  int carry(ModelPlan.Source value, Column column) {
    int known = values.indexOf(value);
    if (known < 0) {
      known = values.size();
      values.add(value);
      columns.add(column);
      addViews(value);
    }
    return FIRST_VALUE + known;
  }

  private void addViews(ModelPlan.Source value) {
    if (value instanceof ModelPlan.Source.Feature feature) {
      views.add(feature.view());
    } else if (value instanceof ModelPlan.Source.Expression expression) {
      expression.inputs().forEach(this::addViews);
    }
  }

  /** Positions in the carried row, once everything that it carries is known. */
  int[] resolved(int[] positions) {
    int[] resolved = positions.clone();
    for (int i = 0; i < resolved.length; i++) {
      if (resolved[i] >= FIRST_VALUE) {
        resolved[i] += fromLayout.carriedCount() - FIRST_VALUE;
      }
    }
    return resolved;
  }

  ChainPlan chain(int stream) {
    return new ChainPlan(
        stream, from, views.stream().mapToInt(Integer::intValue).toArray(), values);
  }

  StreamPlan plan() {
    StreamPlan source = fromLayout.plan();
    List<Column> carried = new ArrayList<>(source.carried());
    carried.addAll(columns);
    List<Integer> carriedFrom = new ArrayList<>();
    for (int position : source.carriedFrom()) {
      carriedFrom.add(position);
    }
    carriedFrom.addAll(Collections.nCopies(columns.size(), -1));
    return new StreamPlan(
        name,
        source.topic(),
        source.format(),
        source.schema(),
        source.eventTime(),
        source.eventId(),
        source.messageKey(),
        source.disorderMs(),
        source.latenessMs(),
        source.idleAfterMs(),
        source.aheadMs(),
        List.of(),
        List.of(),
        carried,
        carriedFrom.stream().mapToInt(Integer::intValue).toArray());
  }
}

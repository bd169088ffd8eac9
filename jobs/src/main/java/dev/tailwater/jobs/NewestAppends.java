package dev.tailwater.jobs;

import dev.tailwater.definitions.Knowledge;
import dev.tailwater.plan.EntityPlan;
import dev.tailwater.plan.ModelPlan;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.ViewPlan;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/**
 * When the newest fact was appended that is inside the windows of each input of a model, for the
 * questions about one entity. It tells why an answer that was given live is not the one of a
 * replay: a fact was appended later than the answer.
 *
 * <p>A window is taken as wide as the oldest fact that it can hold, and {@code where} is not looked
 * at: a fact that is not counted may be the newest. The event that is asked about, and copies of
 * it, are left out. What does not know when it was appended, such as a line of a file, is left out
 * too. Nothing is told of inputs whose facts were all appended more than {@link
 * AnswerComparison#RACE_MS} before the question, for no answer lacks them.
 *
 * <p>For input that comes key by key, of each key by event time: a bounded run. Of a key the facts
 * are in memory that were appended before one of an earlier event time and are in a window.
 */
final class NewestAppends extends KeyedProcessFunction<String, Envelope, AnswerEvidence> {

  /** The last timer there is: it fires when the key has ended. */
  private static final long END = Long.MAX_VALUE - 1;

  private final int asking;
  private final EventId questionIds;

  /** Per stream and input of the model how old a fact can be that counts; -1 if none does. */
  private final long[][] horizons;

  private transient Map<Integer, ArrayDeque<Appended>> byStream;
  private transient List<Envelope> atOnce;

  private record Appended(long eventTime, long appendTime) {}

  /**
   * Looks at one entity.
   *
   * @param model position in the plan
   * @param entity position in the plan
   */
  NewestAppends(Plan plan, int model, int entity) {
    ModelPlan asked = plan.models().get(model);
    this.asking = asked.ask();
    this.questionIds = EventId.of(plan.streams().get(asking));
    this.horizons = new long[plan.streams().size()][asked.vector().size()];
    for (long[] ofStream : horizons) {
      Arrays.fill(ofStream, -1);
    }
    for (int input = 0; input < asked.vector().size(); input++) {
      addHorizons(plan, entity, asked.vector().get(input).source(), input);
    }
  }

  /** The entities that a model's inputs are about. */
  static int[] entities(Plan plan, int model) {
    return Arrays.stream(plan.models().get(model).views())
        .map(view -> plan.views().get(view).entity())
        .distinct()
        .toArray();
  }

  private void addHorizons(Plan plan, int entity, ModelPlan.Source source, int input) {
    if (source instanceof ModelPlan.Source.Feature feature) {
      addHorizon(plan, entity, feature, input);
    } else if (source instanceof ModelPlan.Source.ListElement element) {
      addHorizon(plan, entity, element.list(), input);
    } else if (source instanceof ModelPlan.Source.Expression expression) {
      expression.inputs().forEach(part -> addHorizons(plan, entity, part, input));
    }
  }

  private void addHorizon(Plan plan, int entity, ModelPlan.Source.Feature feature, int input) {
    ViewPlan view = plan.views().get(feature.view());
    // A view of what was known never learns of a late fact, in no run.
    if (view.entity() != entity || view.knowledge() == Knowledge.AS_KNOWN) {
      return;
    }
    for (ViewPlan.Part part : view.parts()) {
      EntityPlan.Input state = plan.entities().get(entity).inputs().get(part.input());
      for (int i = 0; i < part.features().length; i++) {
        if (part.features()[i] == feature.feature()) {
          long horizon =
              state.layout().features().get(part.firstFeature() + i).window().horizonMs();
          state
              .origins()
              .forEach(
                  origin ->
                      horizons[origin.stream()][input] =
                          Math.max(horizons[origin.stream()][input], horizon));
        }
      }
    }
  }

  @Override
  public void open(OpenContext context) {
    atOnce = new ArrayList<>();
    byStream = new HashMap<>();
  }

  @Override
  public void processElement(Envelope event, Context context, Collector<AnswerEvidence> out) {
    if (atOnce.isEmpty() && byStream.isEmpty()) {
      context.timerService().registerEventTimeTimer(END);
    } else if (!atOnce.isEmpty() && atOnce.get(0).eventTime != event.eventTime) {
      pass(out);
    }
    atOnce.add(event);
  }

  @Override
  public void onTimer(long time, OnTimerContext context, Collector<AnswerEvidence> out) {
    pass(out);
    byStream.clear();
  }

  /** All events of one instant are here: its questions are answered, its facts remembered. */
  private void pass(Collector<AnswerEvidence> out) {
    for (Envelope event : atOnce) {
      if (event.isQuestion() && event.stream == asking) {
        tell(event, out);
      }
    }
    for (Envelope event : atOnce) {
      if (event.isFact() && event.appendTime != Long.MAX_VALUE) {
        remember(event);
      }
    }
    atOnce.clear();
  }

  private void remember(Envelope fact) {
    ArrayDeque<Appended> facts =
        byStream.computeIfAbsent(fact.stream, stream -> new ArrayDeque<>());
    long longest = Arrays.stream(horizons[fact.stream]).max().orElse(-1);
    while (!facts.isEmpty() && facts.getFirst().eventTime() <= fact.eventTime - longest) {
      facts.removeFirst();
    }
    // What is older and was appended no later is in no window in which this one is not.
    while (!facts.isEmpty() && facts.getLast().appendTime() <= fact.appendTime) {
      facts.removeLast();
    }
    facts.addLast(new Appended(fact.eventTime, fact.appendTime));
  }

  private void tell(Envelope question, Collector<AnswerEvidence> out) {
    long[] newest = new long[horizons[0].length];
    Arrays.fill(newest, Long.MIN_VALUE);
    long told = Long.MIN_VALUE;
    for (int stream = 0; stream < horizons.length; stream++) {
      long longest = Arrays.stream(horizons[stream]).max().orElse(-1);
      if (longest < 0) {
        continue;
      }
      long now = newestOfThisInstant(question, stream);
      for (int input = 0; input < newest.length; input++) {
        long horizon = horizons[stream][input];
        if (horizon >= 0) {
          long found = Math.max(now, newestSince(stream, question.eventTime - horizon));
          newest[input] = Math.max(newest[input], found);
          told = Math.max(told, newest[input]);
        }
      }
    }
    long asked = question.appendTime;
    if (told != Long.MIN_VALUE
        && (asked == Long.MAX_VALUE || told > asked - AnswerComparison.RACE_MS)) {
      out.collect(AnswerEvidence.newestAppends(questionIds.of(question), newest));
    }
  }

  private long newestOfThisInstant(Envelope question, int stream) {
    long newest = Long.MIN_VALUE;
    for (Envelope event : atOnce) {
      boolean same = event.stream == question.stream && event.idHash == question.idHash;
      if (event.stream == stream && event.isFact() && !same && event.appendTime != Long.MAX_VALUE) {
        newest = Math.max(newest, event.appendTime);
      }
    }
    return newest;
  }

  /** Of the facts after an instant, the append time of the one that was appended last. */
  private long newestSince(int stream, long instant) {
    ArrayDeque<Appended> facts = byStream.get(stream);
    if (facts != null) {
      // The older a remembered fact is, the later it was appended.
      for (Iterator<Appended> oldestFirst = facts.iterator(); oldestFirst.hasNext(); ) {
        Appended fact = oldestFirst.next();
        if (fact.eventTime() > instant) {
          return fact.appendTime();
        }
      }
    }
    return Long.MIN_VALUE;
  }
}

package dev.tailwater.jobs;

import dev.tailwater.definitions.Knowledge;
import dev.tailwater.kernel.ChunkStore;
import dev.tailwater.kernel.EntityState;
import dev.tailwater.kernel.Identity;
import dev.tailwater.kernel.StateLayout;
import dev.tailwater.plan.EntityPlan;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.ViewPlan;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * The views of one entity over the states that they are computed from. Views are counted from 0
 * within the entity. Every call is about the key whose chunks the stores hold.
 */
final class EntityViews {

  private final int[] positions;
  private final ViewPlan[] views;
  private final boolean[][] excludesSelf;
  private final Origins[] origins;
  private final ChunkStore[] chunks;
  private final int[] baseStreams;
  private final List<EntityPlan.Input> inputs;

  /**
   * The views of an entity.
   *
   * @param chunks per input the chunks of the current key
   */
  EntityViews(Plan plan, int entity, ChunkStore[] chunks) {
    this.positions = positions(plan, entity);
    this.views = new ViewPlan[positions.length];
    this.excludesSelf = new boolean[positions.length][];
    this.inputs = plan.entities().get(entity).inputs();
    this.origins =
        inputs.stream().map(input -> new Origins(input.origins())).toArray(Origins[]::new);
    this.chunks = chunks;
    this.baseStreams = Chains.baseStreams(plan);
    for (int view = 0; view < views.length; view++) {
      views[view] = plan.views().get(positions[view]);
      List<ViewPlan.Part> parts = views[view].parts();
      excludesSelf[view] = new boolean[parts.size()];
      for (int part = 0; part < parts.size(); part++) {
        StateLayout layout = inputs.get(parts.get(part).input()).layout();
        int first = parts.get(part).firstFeature();
        excludesSelf[view][part] =
            layout.features().subList(first, first + parts.get(part).features().length).stream()
                .anyMatch(feature -> feature.excludesSelf());
      }
    }
  }

  /** The positions in the plan of an entity's views, ascending. */
  static int[] positions(Plan plan, int entity) {
    return IntStream.range(0, plan.views().size())
        .filter(view -> plan.views().get(view).entity() == entity)
        .toArray();
  }

  /** Whether a fact counts for a view only from its append time on. */
  static boolean isAsKnown(ViewPlan view) {
    return view.knowledge() == Knowledge.AS_KNOWN;
  }

  int count() {
    return views.length;
  }

  ViewPlan plan(int view) {
    return views[view];
  }

  /** The view's position in the plan. */
  int position(int view) {
    return positions[view];
  }

  Origins origins(int input) {
    return origins[input];
  }

  /** How far behind the clock a fact of the view can come. */
  long latenessMs(int view) {
    return inputs.get(views[view].lastInput()).layout().latenessMs();
  }

  /** The view's features at an instant, where it leaves the states of the view. */
  @Nullable Object[] asOf(KeyState state, int view, long instant) {
    return features(state, view, instant, null);
  }

  /** The view's features that answer a question. */
  @Nullable Object[] answer(KeyState state, int view, Envelope question) {
    return features(state, view, question.eventTime, question);
  }

  private @Nullable Object[] features(
      KeyState state, int view, long instant, @Nullable Envelope question) {
    ViewPlan plan = views[view];
    @Nullable Object[] features = new Object[plan.features().size()];
    List<ViewPlan.Part> parts = plan.parts();
    for (int i = 0; i < parts.size(); i++) {
      ViewPlan.Part part = parts.get(i);
      EntityState known = state.inputs[part.input()];
      ChunkStore stored = chunks[part.input()];
      known.seek(instant, stored);
      int[] places = part.features();
      boolean all = places.length == features.length;
      @Nullable Object[] answers = all ? features : new Object[places.length];
      int self = question == null || !excludesSelf[view][i] ? -1 : self(part.input(), question);
      if (self < 0 || question == null) {
        known.answer(part.firstFeature(), places.length, answers, 0, stored);
      } else {
        known.answerWithout(
            origins[part.input()].idHash(question.aboutHash, self),
            part.firstFeature(),
            places.length,
            answers,
            0,
            stored);
      }
      for (int feature = 0; !all && feature < places.length; feature++) {
        features[places[feature]] = answers[feature];
      }
    }
    return features;
  }

  /** Whether another event counts for the view in place of the one that a question is about. */
  boolean contradicts(KeyState state, int view, Envelope question) {
    int input = views[view].lastInput();
    int self = self(input, question);
    return self >= 0
        && inputs.get(input).layout().identity() == Identity.EVENT
        && state.inputs[input].contradicts(
            question.eventTime,
            origins[input].idHash(question.aboutHash, self),
            question.payloadHash,
            chunks[input]);
  }

  /**
   * The origin, among those of an input, of the event that a question is about, or -1 if it is none
   * of its facts. An event that a question names is one of the asking stream if that tells the
   * input, else of the first stream that does; a question that names none is about itself.
   */
  private int self(int input, Envelope question) {
    List<EntityPlan.Origin> from = inputs.get(input).origins();
    for (int origin = 0; origin < from.size(); origin++) {
      if (baseStreams[from.get(origin).stream()] == baseStreams[question.stream]) {
        return origin;
      }
    }
    return question.namesAnother() ? 0 : -1;
  }

  /** Moves the states of the view to an instant. */
  void seek(KeyState state, int view, long instant) {
    for (ViewPlan.Part part : views[view].parts()) {
      state.inputs[part.input()].seek(instant, chunks[part.input()]);
    }
  }

  /** When a value of the view next changes by time after the instant to which it was moved. */
  long nextChange(KeyState state, int view) {
    long next = Long.MAX_VALUE;
    for (ViewPlan.Part part : views[view].parts()) {
      next =
          Math.min(
              next,
              state.inputs[part.input()].nextChange(
                  part.firstFeature(), part.features().length, chunks[part.input()]));
    }
    return next;
  }

  /** The earliest instant that the view can still be asked about. */
  long earliest(KeyState state, int view) {
    long earliest = Long.MIN_VALUE;
    for (ViewPlan.Part part : views[view].parts()) {
      earliest = Math.max(earliest, state.inputs[part.input()].earliestSeek());
    }
    return earliest;
  }

  /** The state whose facts are the view's; all of its states are told the same. */
  EntityState facts(KeyState state, int view) {
    return state.inputs[views[view].lastInput()];
  }

  /** The event time of the view's earliest fact after an instant, or {@link Long#MAX_VALUE}. */
  long nextFact(KeyState state, int view, long after) {
    return facts(state, view).nextFactTime(after, chunks[views[view].lastInput()]);
  }
}

package dev.tailwater.jobs;

import dev.tailwater.connectors.iceberg.ArchivedPrediction;
import dev.tailwater.jobs.VectorComparison.Cause;
import dev.tailwater.jobs.VectorComparison.Difference;
import dev.tailwater.schemas.Prediction;
import dev.tailwater.schemas.Prediction.Outcome;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.apache.flink.api.common.accumulators.ListAccumulator;
import org.apache.flink.api.common.accumulators.LongCounter;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;

/**
 * Compares, question by question, what was served with what a bounded run computed, and counts. Of
 * several served records the one at the lowest place in the log counts. A question that was
 * rejected has no vector.
 *
 * <p>Emits a {@link ScorePair} for every question that has a score from both, or one and a label.
 */
final class AnswerComparison extends KeyedProcessFunction<String, AnswerEvidence, ScorePair> {

  /** What was appended longer before an answer had been read by then, unless the job was down. */
  static final long RACE_MS = 1_000;

  /** Doubles that are no further apart are a matter of arithmetic. */
  private static final long MOST_ULPS = 4;

  /** The last timer there is: it fires when the key has ended. */
  private static final long END = Long.MAX_VALUE - 1;

  private transient ListState<AnswerEvidence> evidence;
  private transient Map<String, LongCounter> counters;
  private transient ListAccumulator<Difference> examples;
  private transient Map<Cause, Integer> exampleCounts;

  @Override
  public void open(OpenContext context) {
    evidence =
        getRuntimeContext()
            .getListState(new ListStateDescriptor<>("evidence", new AnswerEvidence.Serializer()));
    counters = new HashMap<>();
    examples = new ListAccumulator<>();
    exampleCounts = new EnumMap<>(Cause.class);
    getRuntimeContext().addAccumulator(VectorComparison.EXAMPLES, examples);
  }

  @Override
  public void processElement(AnswerEvidence known, Context context, Collector<ScorePair> out)
      throws Exception {
    evidence.add(known);
    context.timerService().registerEventTimeTimer(END);
  }

  @Override
  public void onTimer(long time, OnTimerContext context, Collector<ScorePair> out)
      throws Exception {
    ArchivedPrediction served = null;
    List<ArchivedPrediction> replays = new ArrayList<>();
    long[] newestAppends = {};
    Boolean label = null;
    for (AnswerEvidence known : evidence.get()) {
      switch (known.kind()) {
        case SERVED -> {
          ArchivedPrediction found = Objects.requireNonNull(known.answer());
          served = served == null ? found : ServedAnswers.first(served, found);
        }
        case REPLAYED -> replays.add(Objects.requireNonNull(known.answer()));
        case NEWEST_APPENDS -> newestAppends = newest(newestAppends, known.newestAppends());
        case LABEL -> label = known.positive();
      }
    }
    evidence.clear();
    ArchivedPrediction replayed = replayOf(served, replays);
    boolean sameVector = compareVectors(served, replayed, newestAppends);
    compareScores(served, replayed, sameVector, label, out);
  }

  /**
   * An id that came again at another time is another question of the same name: the event decides
   * which of them was served. If none of them was, it is the first in the log.
   */
  private static @Nullable ArchivedPrediction replayOf(
      @Nullable ArchivedPrediction served, List<ArchivedPrediction> replays) {
    return replays.stream()
        .min(
            Comparator.comparing(
                    (ArchivedPrediction replay) ->
                        served == null || !sameCause(served.prediction(), replay.prediction()))
                .thenComparing(replay -> replay.prediction().causePartition())
                .thenComparing(replay -> replay.prediction().causeOffset()))
        .orElse(null);
  }

  private static boolean sameCause(Prediction one, Prediction other) {
    return one.causePartition() == other.causePartition()
        && one.causeOffset() == other.causeOffset()
        && one.causeTopic().equals(other.causeTopic());
  }

  /** Each entity that a model reads tells of its own inputs. */
  private static long[] newest(long[] one, long[] other) {
    if (one.length == 0) {
      return other;
    }
    long[] newest = one.clone();
    for (int i = 0; i < newest.length; i++) {
      newest[i] = Math.max(newest[i], other[i]);
    }
    return newest;
  }

  // ---- vectors

  /** Whether there are two vectors and they are the same. */
  private boolean compareVectors(
      @Nullable ArchivedPrediction served,
      @Nullable ArchivedPrediction replayed,
      long[] newestAppends) {
    boolean wasServed = served != null && served.prediction().outcome() != Outcome.REJECTED;
    boolean isReplayed = replayed != null && replayed.prediction().outcome() != Outcome.REJECTED;
    if (!wasServed || !isReplayed || served == null || replayed == null) {
      if (isReplayed) {
        count(VectorComparison.NOT_SERVED);
      } else if (wasServed) {
        count(VectorComparison.NOT_REPLAYED);
      }
      return false;
    }
    List<Difference> differences = differences(served, replayed.prediction(), newestAppends);
    count(differences.isEmpty() ? VectorComparison.EQUAL : VectorComparison.DIFFERENT);
    for (Difference difference : differences) {
      count(VectorComparison.counter(difference.cause(), difference.feature()));
      if (exampleCounts.merge(difference.cause(), 1, Integer::sum)
          <= VectorComparison.MAX_EXAMPLES) {
        examples.add(difference);
      }
    }
    return differences.isEmpty();
  }

  /**
   * The features in which two vectors of one question differ.
   *
   * @param newestAppends per input of the replayed vector when its newest fact was appended; empty
   *     if no fact is too new for the answer
   */
  static List<Difference> differences(
      ArchivedPrediction served, Prediction replayed, long[] newestAppends) {
    Prediction answer = served.prediction();
    if (answer.vectorNames().equals(replayed.vectorNames())
        && sameBits(answer.vector(), replayed.vector())) {
      return List.of();
    }
    boolean sameDefinition = answer.definitionVersion().equals(replayed.definitionVersion());
    List<Difference> differences = new ArrayList<>();
    Set<String> names = new LinkedHashSet<>(replayed.vectorNames());
    names.addAll(answer.vectorNames());
    for (String name : names) {
      int input = replayed.vectorNames().indexOf(name);
      int servedInput = answer.vectorNames().indexOf(name);
      double expected = input < 0 ? Double.NaN : replayed.vector()[input];
      double found = servedInput < 0 ? Double.NaN : answer.vector()[servedInput];
      boolean inBoth = input >= 0 && servedInput >= 0;
      if (inBoth && sameBits(found, expected)) {
        continue;
      }
      long newest = inBoth && newestAppends.length > 0 ? newestAppends[input] : Long.MIN_VALUE;
      differences.add(
          new Difference(
              answer.questionId(),
              answer.eventTime(),
              name,
              found,
              expected,
              inBoth && sameDefinition
                  ? cause(found, expected, newest, served.appendTime())
                  : Cause.VERSION));
    }
    return differences;
  }

  private static Cause cause(double served, double replayed, long newest, long answeredAt) {
    if (areNeighbours(served, replayed)) {
      return Cause.FLOAT;
    }
    if (newest > answeredAt) {
      return Cause.LATE;
    }
    return newest > answeredAt - RACE_MS ? Cause.RACE : Cause.OTHER;
  }

  private static boolean sameBits(double[] one, double[] other) {
    return Arrays.equals(one, other); // Compares bits, all NaN alike.
  }

  private static boolean sameBits(double one, double other) {
    return Double.compare(one, other) == 0;
  }

  private static boolean areNeighbours(double one, double other) {
    if (!Double.isFinite(one) || !Double.isFinite(other)) {
      return false;
    }
    long apart = Math.max(ordered(one), ordered(other)) - Math.min(ordered(one), ordered(other));
    return Long.compareUnsigned(apart, MOST_ULPS) <= 0;
  }

  /** The place of a double among all doubles; both zeros have one. */
  private static long ordered(double value) {
    long bits = Double.doubleToLongBits(value);
    return bits < 0 ? Long.MIN_VALUE - bits : bits;
  }

  // ---- scores

  private void compareScores(
      @Nullable ArchivedPrediction served,
      @Nullable ArchivedPrediction replayed,
      boolean sameVector,
      @Nullable Boolean label,
      Collector<ScorePair> out) {
    if (replayed == null) {
      return;
    }
    Prediction scored = replayed.prediction();
    count(ScoreComparison.counter(kind(served, scored, sameVector)));
    double before =
        served == null || served.prediction().outcome() != Outcome.SCORED
            ? Double.NaN
            : served.prediction().score();
    double now = scored.outcome() == Outcome.SCORED ? scored.score() : Double.NaN;
    if (!Double.isNaN(now) && (!Double.isNaN(before) || label != null)) {
      out.collect(new ScorePair(before, now, label == null ? -1 : label ? 1 : 0));
    }
  }

  private static ScoreComparison.Kind kind(
      @Nullable ArchivedPrediction served, Prediction scored, boolean sameVector) {
    if (scored.outcome() != Outcome.SCORED) {
      return ScoreComparison.Kind.NOT_SCORED;
    }
    if (served == null) {
      return ScoreComparison.Kind.NOT_SERVED;
    }
    Prediction answer = served.prediction();
    if (answer.outcome() != Outcome.SCORED) {
      return ScoreComparison.Kind.SERVED_WITHOUT_MODEL;
    }
    if (!answer.modelVersion().equals(scored.modelVersion())) {
      return ScoreComparison.Kind.OTHER_VERSION;
    }
    if (sameBits(answer.score(), scored.score())) {
      return ScoreComparison.Kind.EQUAL;
    }
    return sameVector ? ScoreComparison.Kind.NOT_REPRODUCED : ScoreComparison.Kind.DIFFERENT_VECTOR;
  }

  private void count(String name) {
    counters
        .computeIfAbsent(
            name,
            missing -> {
              LongCounter counter = new LongCounter();
              getRuntimeContext().addAccumulator(missing, counter);
              return counter;
            })
        .add(1);
  }
}

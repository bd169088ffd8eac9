package dev.tailwater.checks;

import dev.tailwater.connectors.kafka.DeadLetter;
import dev.tailwater.connectors.kafka.OutgoingRecord;
import dev.tailwater.connectors.log.LogRecord;
import dev.tailwater.jobs.Ask;
import dev.tailwater.jobs.FeatureGraph;
import dev.tailwater.jobs.JobSettings;
import dev.tailwater.jobs.SpinePlan;
import dev.tailwater.jobs.TrainingSetJob;
import dev.tailwater.jobs.TrainingSetRow;
import dev.tailwater.plan.Plan;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.jspecify.annotations.Nullable;

/**
 * Runs the real graph of a plan on some events, with questions about one view among them. The
 * watermark is always just before the earliest record that is still to come: so nothing is late for
 * the clock, and what is answered does not depend on the order of arrival.
 */
final class FeatureRun {

  /** Restarts nowhere. */
  static final int NEVER = -1;

  private final SpinePlan spine;
  private final Plan project;
  private final int[] views;
  private final boolean about;

  /**
   * @param about whether questions name the events that they are about
   */
  FeatureRun(Plan project, int view, boolean about) {
    this.project = project;
    this.views = new int[] {view};
    this.spine = SpinePlan.of(project, views, about);
    this.about = about;
  }

  /** A record of a stream, by the stream's position in the plan with the spine. */
  record Arrival(int stream, LogRecord record) {}

  /**
   * What came out.
   *
   * @param answers by number of the question
   * @param letters what was refused
   */
  record Outcome(Map<Long, @Nullable Object[]> answers, List<Letter> letters) {}

  /** A refused record. */
  record Letter(String stream, int partition, long offset, DeadLetter.Code code, String reason) {}

  /** A question about the view, as it arrives. */
  Arrival question(long number, long at, List<Object> key, Optional<Object> aboutId) {
    LogRecord record = new LogRecord();
    record.offset = number;
    record.eventTime = at;
    @Nullable Object[] values = new Object[spine.columns().size() + 1];
    for (int i = 0; i < key.size(); i++) {
      values[i] = key.get(i);
    }
    if (about) {
      values[key.size()] = aboutId.orElse(null);
    }
    values[spine.columns().size()] = number;
    record.values = values;
    return new Arrival(spine.spine(), record);
  }

  /**
   * Runs the records in this order.
   *
   * @param restartAfter after so many records everything is restored from a checkpoint; or {@link
   *     #NEVER}
   */
  Outcome run(List<Arrival> arrivals, int restartAfter) throws Exception {
    long[] earliestToCome = new long[arrivals.size() + 1];
    earliestToCome[arrivals.size()] = Long.MAX_VALUE;
    for (int i = arrivals.size() - 1; i >= 0; i--) {
      earliestToCome[i] = Math.min(earliestToCome[i + 1], earliest(arrivals.get(i)) - 1);
    }
    Map<Long, @Nullable Object[]> answers = new TreeMap<>();
    List<Letter> letters = new ArrayList<>();
    Run run = new Run(null);
    try {
      for (int i = 0; i < arrivals.size(); i++) {
        if (i == restartAfter) {
          List<@Nullable OperatorSubtaskState> snapshot = run.graph.snapshot();
          run.collect(answers, letters);
          run.graph.close();
          run = new Run(snapshot);
        }
        run.graph.advance(earliestToCome[i]);
        Arrival arrival = arrivals.get(i);
        run.graph.send(
            "source:" + spine.plan().streams().get(arrival.stream()).name(),
            arrival.record(),
            arrival.record().eventTime);
      }
      run.graph.advance(Long.MAX_VALUE);
      run.collect(answers, letters);
    } finally {
      run.graph.close();
    }
    return new Outcome(answers, letters);
  }

  /** The earliest instant at which a record tells something: where a row was, or where it is. */
  private long earliest(Arrival arrival) {
    LogRecord record = arrival.record();
    if (record.before == null) {
      return record.eventTime;
    }
    int eventTime = spine.plan().streams().get(arrival.stream()).eventTime();
    return Math.min(record.eventTime, (Long) Objects.requireNonNull(record.before[eventTime]));
  }

  /** The graph from its start, or from a checkpoint. */
  private final class Run {

    private final DataStream<TrainingSetRow> answered;
    private final List<DataStream<OutgoingRecord>> refused;
    private final HarnessGraph graph;

    Run(@Nullable List<@Nullable OperatorSubtaskState> snapshot) throws Exception {
      StreamExecutionEnvironment env =
          JobSettings.streaming(StreamExecutionEnvironment.createLocalEnvironment(1));
      FeatureGraph built =
          FeatureGraph.build(
              env,
              spine.plan(),
              stream -> new NeverRead(),
              new FeatureGraph.Options(
                  List.of(
                      Ask.always(spine.spine(), views)
                          .about(about ? spine.columns().size() - 1 : -1)),
                  false,
                  0,
                  Set.of()));
      answered = TrainingSetJob.answers(built, project, views);
      refused = built.deadLetters();
      List<DataStream<?>> ends = new ArrayList<>(refused);
      ends.add(answered);
      graph = new HarnessGraph(ends);
      graph.open(snapshot);
    }

    void collect(Map<Long, @Nullable Object[]> answers, List<Letter> letters) {
      for (TrainingSetRow row : graph.take(answered)) {
        answers.put(row.row(), row.features());
      }
      for (DataStream<OutgoingRecord> stream : refused) {
        for (OutgoingRecord letter : graph.take(stream)) {
          Map<String, String> headers = letter.headers();
          letters.add(
              new Letter(
                  headers.getOrDefault(DeadLetter.STREAM_HEADER, ""),
                  Integer.parseInt(headers.getOrDefault(DeadLetter.PARTITION_HEADER, "0")),
                  Long.parseLong(headers.getOrDefault(DeadLetter.OFFSET_HEADER, "0")),
                  DeadLetter.Code.valueOf(headers.getOrDefault(DeadLetter.CODE_HEADER, "")),
                  headers.getOrDefault(DeadLetter.REASON_HEADER, "")));
        }
      }
    }
  }
}

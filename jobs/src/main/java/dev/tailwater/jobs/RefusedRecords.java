package dev.tailwater.jobs;

import dev.tailwater.connectors.kafka.DeadLetter;
import dev.tailwater.connectors.kafka.OutgoingRecord;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.api.common.JobExecutionResult;
import org.apache.flink.api.common.accumulators.ListAccumulator;
import org.apache.flink.api.common.accumulators.LongCounter;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.util.Collector;

/**
 * The records that a bounded run left out. It writes no dead letters: those of the log are there
 * from the live job, and a file has no topic. So it counts all and tells the first.
 *
 * @param byCode how many, by {@link DeadLetter.Code}
 * @param examples some of them, each with its place and reason; at most {@value #MAX_EXAMPLES}
 */
public record RefusedRecords(Map<String, Long> byCode, List<String> examples) {

  private static final int MAX_EXAMPLES = 5;
  private static final String COUNTER = "refused-records:";
  private static final String EXAMPLES = "refused-record-examples:";

  public RefusedRecords {
    byCode = new TreeMap<>(byCode);
    examples = List.copyOf(examples);
  }

  /** What a finished run left out; nothing, if it was built without reports. */
  public static RefusedRecords of(JobExecutionResult result) {
    Map<String, Long> byCode = new TreeMap<>();
    List<String> examples = new ArrayList<>();
    result
        .getAllAccumulatorResults()
        .forEach(
            (name, value) -> {
              if (name.startsWith(COUNTER) && value instanceof Long count) {
                byCode.put(name.substring(COUNTER.length()), count);
              } else if (name.startsWith(EXAMPLES) && value instanceof List<?> texts) {
                texts.forEach(text -> examples.add(String.valueOf(text)));
              }
            });
    return new RefusedRecords(byCode, examples.stream().sorted().limit(MAX_EXAMPLES).toList());
  }

  /** How many records were left out. */
  public long count() {
    return byCode.values().stream().mapToLong(Long::longValue).sum();
  }

  /** For the person who started the run: how many of each kind, and the examples. */
  public List<String> lines() {
    long count = count();
    if (count == 0) {
      return List.of();
    }
    List<String> kinds = new ArrayList<>();
    byCode.forEach((code, number) -> kinds.add(number + " " + code));
    List<String> lines = new ArrayList<>();
    lines.add(
        "%s left out (%s); correct %s at the source and run again, or go on without%s"
            .formatted(
                count == 1 ? "1 record was" : count + " records were",
                String.join(", ", kinds),
                count == 1 ? "it" : "them",
                count > examples.size() ? ". The first:" : ":"));
    examples.forEach(example -> lines.add("  " + example));
    return lines;
  }

  /**
   * Adds the reports of a bounded run.
   *
   * @param files the streams that are read from files, by name
   */
  static void report(FeatureGraph graph, Map<String, Path> files) {
    Map<String, String> places = new HashMap<>();
    files.forEach((stream, file) -> places.put(stream, file.toString()));
    int position = 0;
    for (DataStream<OutgoingRecord> letters : graph.deadLetters()) {
      String name = "refused-records:" + position++;
      letters
          .process(new Tell(EXAMPLES + name, places))
          .returns(Types.VOID)
          .uid(name)
          .name(name)
          .sinkTo(new DiscardingSink<>())
          .uid("sink:" + name)
          .name("sink:" + name);
    }
  }

  private static final class Tell extends ProcessFunction<OutgoingRecord, Void> {

    private final String examplesName;
    private final Map<String, String> files;

    private transient Map<String, LongCounter> counters;
    private transient ListAccumulator<String> examples;
    private transient int told;

    Tell(String examplesName, Map<String, String> files) {
      this.examplesName = examplesName;
      this.files = Map.copyOf(files);
    }

    @Override
    public void open(OpenContext context) {
      counters = new HashMap<>();
      examples = new ListAccumulator<>();
      getRuntimeContext().addAccumulator(examplesName, examples);
    }

    @Override
    public void processElement(OutgoingRecord letter, Context context, Collector<Void> out) {
      Map<String, String> headers = letter.headers();
      String code = header(headers, DeadLetter.CODE_HEADER);
      counters
          .computeIfAbsent(
              code,
              missing -> {
                LongCounter counter = new LongCounter();
                getRuntimeContext().addAccumulator(COUNTER + missing, counter);
                return counter;
              })
          .add(1);
      if (told < MAX_EXAMPLES) {
        told++;
        examples.add(
            place(headers) + ": " + code + ": " + header(headers, DeadLetter.REASON_HEADER));
      }
    }

    private String place(Map<String, String> headers) {
      String file = files.get(header(headers, DeadLetter.STREAM_HEADER));
      String offset = header(headers, DeadLetter.OFFSET_HEADER);
      return file == null
          ? "%s, partition %s, offset %s"
              .formatted(
                  header(headers, DeadLetter.TOPIC_HEADER),
                  header(headers, DeadLetter.PARTITION_HEADER),
                  offset)
          : "%s, record %s after the header".formatted(file, Long.parseLong(offset) + 1);
    }

    private static String header(Map<String, String> headers, String name) {
      return headers.getOrDefault(name, "");
    }
  }
}

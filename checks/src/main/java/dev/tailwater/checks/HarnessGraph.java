package dev.tailwater.checks;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.dag.Transformation;
import org.apache.flink.api.java.functions.KeySelector;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.transformations.OneInputTransformation;
import org.apache.flink.streaming.api.transformations.PartitionTransformation;
import org.apache.flink.streaming.api.transformations.SideOutputTransformation;
import org.apache.flink.streaming.api.transformations.SourceTransformation;
import org.apache.flink.streaming.api.transformations.UnionTransformation;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.apache.flink.util.OutputTag;
import org.jspecify.annotations.Nullable;

/**
 * A graph that was built for a job, run in the calling thread: each operator in a harness of its
 * own, each record followed to the ends of the graph before the next one is sent. Sources are not
 * run; their records are sent by name. Not thread-safe.
 */
final class HarnessGraph implements AutoCloseable {

  private static final int MAX_PARALLELISM = 1;

  /** In an order in which each comes after those that feed it. */
  private final List<Node> nodes = new ArrayList<>();

  private final Map<Transformation<?>, Port> ports = new IdentityHashMap<>();
  private final Map<String, Node> sources = new HashMap<>();
  private final Map<Transformation<?>, List<Object>> ends = new IdentityHashMap<>();

  /**
   * Takes the operators of a graph.
   *
   * @param streams whose records are kept, see {@link #take}; with all that they come from
   */
  HarnessGraph(List<? extends DataStream<?>> streams) throws Exception {
    for (DataStream<?> stream : streams) {
      List<Object> kept = new ArrayList<>();
      ends.put(stream.getTransformation(), kept);
      Node end = new Node(1);
      end.kept = kept;
      port(stream.getTransformation()).feed(end, 0);
      nodes.add(end);
    }
  }

  /**
   * Opens every operator.
   *
   * @param snapshot of an equal graph, to go on where it was; or null to start
   */
  void open(@Nullable List<@Nullable OperatorSubtaskState> snapshot) throws Exception {
    for (int i = 0; i < nodes.size(); i++) {
      Stage<?, ?> stage = nodes.get(i).stage;
      if (stage != null) {
        stage.open(snapshot == null ? null : snapshot.get(i));
      }
    }
  }

  /** The state of every operator. */
  List<@Nullable OperatorSubtaskState> snapshot() throws Exception {
    List<@Nullable OperatorSubtaskState> states = new ArrayList<>();
    for (Node node : nodes) {
      states.add(node.stage == null ? null : node.stage.snapshot());
    }
    return states;
  }

  /** Sends a record from a source, by the source's name; ignored if the graph has no such one. */
  void send(String source, Object element, long timestamp) throws Exception {
    Node node = sources.get(source);
    if (node != null) {
      node.forward(new StreamRecord<>(element, timestamp));
    }
  }

  /** Sends a watermark from every source. */
  void advance(long time) throws Exception {
    for (Node source : sources.values()) {
      source.forward(new Watermark(time));
    }
  }

  /** The records of a stream since the last call, in the order they came. */
  <T> List<T> take(DataStream<T> stream) {
    List<Object> kept = ends.get(stream.getTransformation());
    if (kept == null) {
      throw new IllegalArgumentException(stream + " is no end of this graph");
    }
    Class<T> type = stream.getType().getTypeClass();
    List<T> taken = kept.stream().map(type::cast).toList();
    kept.clear();
    return taken;
  }

  @Override
  public void close() throws Exception {
    for (Node node : nodes) {
      if (node.stage != null) {
        node.stage.close();
      }
    }
  }

  private Port port(Transformation<?> transformation) throws Exception {
    Port known = ports.get(transformation);
    if (known != null) {
      return known;
    }
    Port port;
    if (transformation instanceof PartitionTransformation<?> partition) {
      port = port(partition.getInputs().get(0));
    } else if (transformation instanceof SideOutputTransformation<?> side) {
      port = new Port(port(side.getInputs().get(0)).node(), side.getOutputTag());
    } else if (transformation instanceof UnionTransformation<?> union) {
      List<Port> inputs = new ArrayList<>();
      for (Transformation<?> input : union.getInputs()) {
        inputs.add(port(input));
      }
      Node node = new Node(inputs.size());
      for (int i = 0; i < inputs.size(); i++) {
        inputs.get(i).feed(node, i);
      }
      port = added(node);
    } else if (transformation instanceof OneInputTransformation<?, ?> operator) {
      Port input = port(operator.getInputs().get(0));
      Node node = new Node(1);
      node.stage = stage(operator);
      input.feed(node, 0);
      port = added(node);
    } else if (transformation instanceof SourceTransformation<?, ?, ?> source) {
      Node node = new Node(0);
      sources.put(source.getName(), node);
      port = added(node);
    } else {
      throw new IllegalArgumentException(
          transformation + " is neither a source, a union nor an operator of one input");
    }
    ports.put(transformation, port);
    return port;
  }

  private Port added(Node node) {
    nodes.add(node);
    return new Port(node, null);
  }

  private static <I, O> Stage<I, O> stage(OneInputTransformation<I, O> operator) throws Exception {
    TypeInformation<?> keyType = operator.getStateKeyType();
    OneInputStreamOperatorTestHarness<I, O> harness =
        keyType == null
            ? new OneInputStreamOperatorTestHarness<>(
                operator.getOperatorFactory(), MAX_PARALLELISM, 1, 0)
            : keyed(operator, keyType);
    harness.setup(
        operator
            .getOutputType()
            .createSerializer(harness.getExecutionConfig().getSerializerConfig()));
    return new Stage<>(harness, operator.getInputType().getTypeClass());
  }

  private static <I, O, K> OneInputStreamOperatorTestHarness<I, O> keyed(
      OneInputTransformation<I, O> operator, TypeInformation<K> keyType) throws Exception {
    KeySelector<I, ?> selector = operator.getStateKeySelector();
    Class<K> keyClass = keyType.getTypeClass();
    KeySelector<I, K> typed = element -> keyClass.cast(selector.getKey(element));
    return new KeyedOneInputStreamOperatorTestHarness<>(
        operator.getOperatorFactory(), typed, keyType, MAX_PARALLELISM, 1, 0);
  }

  /** Where records of a transformation come from. */
  private record Port(Node node, @Nullable OutputTag<?> tag) {

    void feed(Node consumer, int input) {
      Edge edge = new Edge(consumer, input);
      if (tag == null) {
        node.edges.add(edge);
      } else {
        node.sideEdges.computeIfAbsent(tag, unused -> new ArrayList<>()).add(edge);
      }
    }
  }

  private record Edge(Node to, int input) {}

  /** A source, a union, an operator or an end. */
  private static final class Node {

    private final List<Edge> edges = new ArrayList<>();
    private final Map<OutputTag<?>, List<Edge>> sideEdges = new HashMap<>();
    private final long[] watermarks;
    private long watermark = Long.MIN_VALUE;
    private @Nullable Stage<?, ?> stage;
    private @Nullable List<Object> kept;

    Node(int inputs) {
      watermarks = new long[inputs];
      Arrays.fill(watermarks, Long.MIN_VALUE);
    }

    void receive(Object element, int input) throws Exception {
      if (element instanceof Watermark mark) {
        watermarks[input] = mark.getTimestamp();
        long lowest = Arrays.stream(watermarks).min().orElseThrow();
        if (lowest <= watermark) {
          return;
        }
        watermark = lowest;
        process(new Watermark(lowest));
      } else {
        process(element);
      }
    }

    private void process(Object element) throws Exception {
      List<Object> keeps = kept;
      Stage<?, ?> operator = stage;
      if (keeps != null) {
        if (element instanceof StreamRecord<?> record) {
          keeps.add(record.getValue());
        }
      } else if (operator == null) {
        forward(element);
      } else {
        operator.process(element);
        for (Object output = operator.poll(); output != null; output = operator.poll()) {
          forward(output);
        }
        for (Map.Entry<OutputTag<?>, List<Edge>> side : sideEdges.entrySet()) {
          for (Object output : operator.takeSide(side.getKey())) {
            forward(output, side.getValue());
          }
        }
      }
    }

    void forward(Object element) throws Exception {
      forward(element, edges);
      if (element instanceof Watermark) {
        for (List<Edge> side : sideEdges.values()) {
          forward(element, side);
        }
      }
    }

    private static void forward(Object element, List<Edge> to) throws Exception {
      for (Edge edge : to) {
        edge.to().receive(element, edge.input());
      }
    }
  }

  /** One operator. */
  private record Stage<I, O>(OneInputStreamOperatorTestHarness<I, O> harness, Class<I> input) {

    void open(@Nullable OperatorSubtaskState state) throws Exception {
      if (state != null) {
        harness.initializeState(state);
      }
      harness.open();
    }

    OperatorSubtaskState snapshot() throws Exception {
      return harness.snapshot(1, 1);
    }

    void process(Object element) throws Exception {
      if (element instanceof Watermark watermark) {
        harness.processWatermark(watermark);
      } else if (element instanceof StreamRecord<?> record) {
        StreamRecord<I> typed = new StreamRecord<>(input.cast(record.getValue()));
        if (record.hasTimestamp()) {
          typed.setTimestamp(record.getTimestamp());
        }
        harness.processElement(typed);
      }
    }

    @Nullable Object poll() {
      return harness.getOutput().poll();
    }

    List<Object> takeSide(OutputTag<?> tag) {
      Queue<? extends StreamRecord<?>> queue = harness.getSideOutput(tag);
      List<Object> taken = new ArrayList<>();
      if (queue != null) {
        taken.addAll(queue);
        queue.clear();
      }
      return taken;
    }

    void close() throws Exception {
      harness.close();
    }
  }
}

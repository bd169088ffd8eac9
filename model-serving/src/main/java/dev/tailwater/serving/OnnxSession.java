package dev.tailwater.serving;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import dev.tailwater.serving.ScoringException.Reason;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * A native session whose input and output are known to be what scoring needs. Scoring is
 * thread-safe; closing while a thread scores is not, so whoever scores holds a reference.
 */
final class OnnxSession implements AutoCloseable {
  /** Enough rounds for the runtime to have allocated its buffers and the JVM its call paths. */
  private static final int WARM_UP_ROUNDS = 20;

  private static final int WARM_UP_ROWS = 64;
  private static final String NEEDED_OUTPUT =
      "Needed is one float output with the probability per row: [rows], [rows, 1] or [rows, 2] (positive class last), alone or beside a label output";

  private final OrtEnvironment environment;
  private final OrtSession session;
  private final int inputLength;
  private final String inputName;
  private final Set<String> outputName;
  private final int outputColumns;

  /** Loads, checks and warms up. The bytes have passed {@link OnnxFile#check}. */
  OnnxSession(byte[] model, int inputLength) throws InvalidModelException {
    this.environment = OrtEnvironment.getEnvironment();
    this.inputLength = inputLength;
    this.session = open(environment, model);
    boolean usable = false;
    try {
      this.inputName = inputName(session, inputLength);
      String output = outputName(session);
      this.outputName = Set.of(output);
      this.outputColumns = outputColumns(output);
      warmUp(output);
      usable = true;
    } catch (OrtException e) {
      throw new InvalidModelException(
          "the model cannot be described by ONNX Runtime: " + firstLine(e), e);
    } finally {
      if (!usable) {
        close();
      }
    }
  }

  int inputLength() {
    return inputLength;
  }

  /**
   * @param batch a direct buffer in native order with at least {@code rows * inputLength} values
   *     from its position on
   */
  void score(FloatBuffer batch, int rows, double[] scores) throws ScoringException {
    FloatBuffer values = batch.slice(batch.position(), rows * inputLength);
    try (OnnxTensor input =
            OnnxTensor.createTensor(environment, values, new long[] {rows, inputLength});
        OrtSession.Result result = session.run(Map.of(inputName, input), outputName)) {
      FloatBuffer output = ((OnnxTensor) result.get(0)).getFloatBuffer();
      if (output.remaining() != rows * outputColumns) {
        throw new ScoringException(
            Reason.MODEL_FAILED,
            "the model answered %d values for %d rows of %d: a model must treat each row alone"
                .formatted(output.remaining(), rows, outputColumns));
      }
      for (int row = 0; row < rows; row++) {
        scores[row] = output.get(row * outputColumns + outputColumns - 1);
      }
    } catch (OrtException e) {
      throw new ScoringException(
          Reason.MODEL_FAILED, "the model failed on %d rows: %s".formatted(rows, firstLine(e)), e);
    }
  }

  @Override
  public void close() {
    try {
      session.close();
    } catch (OrtException e) {
      throw new IllegalStateException("the ONNX session could not be closed", e);
    }
  }

  static FloatBuffer directBuffer(int values) {
    return ByteBuffer.allocateDirect(Math.multiplyExact(values, Float.BYTES))
        .order(ByteOrder.nativeOrder())
        .asFloatBuffer();
  }

  private static OrtSession open(OrtEnvironment environment, byte[] model)
      throws InvalidModelException {
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      // Parallelism comes from the workers; threads inside an inference of one small batch only
      // compete with them, and spinning ones burn the cores the workers need.
      options.setIntraOpNumThreads(1);
      options.setInterOpNumThreads(1);
      options.addConfigEntry("session.intra_op.allow_spinning", "0");
      options.addConfigEntry("session.inter_op.allow_spinning", "0");
      options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
      // What goes wrong is thrown, and told once by whoever catches it.
      options.setSessionLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL);
      return environment.createSession(model, options);
    } catch (OrtException e) {
      throw new InvalidModelException(
          "ONNX Runtime %s cannot load the model: %s"
              .formatted(environment.getVersion(), firstLine(e)),
          e);
    }
  }

  private static String inputName(OrtSession session, int inputLength)
      throws OrtException, InvalidModelException {
    Map<String, NodeInfo> inputs = session.getInputInfo();
    String needed =
        "Needed is one float input of shape [rows, %d] with a free number of rows"
            .formatted(inputLength);
    if (inputs.size() != 1) {
      throw new InvalidModelException(
          "the model has %d inputs (%s). %s.".formatted(inputs.size(), described(inputs), needed));
    }
    NodeInfo input = inputs.values().iterator().next();
    if (!(input.getInfo() instanceof TensorInfo tensor) || tensor.type != OnnxJavaType.FLOAT) {
      throw new InvalidModelException(
          "the model's input is %s. %s.".formatted(described(input), needed));
    }
    long[] shape = tensor.getShape();
    if (shape.length != 2 || shape[0] >= 0 || (shape[1] >= 0 && shape[1] != inputLength)) {
      throw new InvalidModelException(
          "the model's input is %s. %s: compare the model with the vector it is given."
              .formatted(described(input), needed));
    }
    return input.getName();
  }

  private static String outputName(OrtSession session) throws OrtException, InvalidModelException {
    Map<String, NodeInfo> outputs = session.getOutputInfo();
    List<String> candidates =
        outputs.values().stream()
            .filter(OnnxSession::mayBeProbability)
            .map(NodeInfo::getName)
            .toList();
    if (candidates.size() == 1) {
      return candidates.get(0);
    }
    if (candidates.contains("probabilities")) {
      return "probabilities";
    }
    throw new InvalidModelException(
        "the model's outputs are %s; %s. %s (with skl2onnx: zipmap=False)."
            .formatted(
                described(outputs),
                candidates.isEmpty()
                    ? "none of them can be the probability"
                    : candidates.size()
                        + " of them could be the probability, none is named 'probabilities'",
                NEEDED_OUTPUT));
  }

  private static boolean mayBeProbability(NodeInfo output) {
    if (!(output.getInfo() instanceof TensorInfo tensor) || tensor.type != OnnxJavaType.FLOAT) {
      return false;
    }
    long[] shape = tensor.getShape();
    // An exporter may leave the shape out; the warm-up sees the real one.
    return shape.length < 2 || (shape.length == 2 && shape[1] <= 2 && shape[1] != 0);
  }

  /** Asks the model itself: the declared shape may be incomplete. */
  private int outputColumns(String output) throws InvalidModelException {
    int rows = 3; // neither a usual column count nor 1, so that rows and columns cannot be mistaken
    try (OnnxTensor input =
            OnnxTensor.createTensor(
                environment, directBuffer(rows * inputLength), new long[] {rows, inputLength});
        OrtSession.Result result = session.run(Map.of(inputName, input), Set.of(output))) {
      long[] shape = ((TensorInfo) result.get(0).getInfo()).getShape();
      boolean perRow = (shape.length == 1 || shape.length == 2) && shape[0] == rows;
      int columns = shape.length == 2 ? (int) shape[1] : 1;
      if (!perRow || columns < 1 || columns > 2) {
        throw new InvalidModelException(
            "output '%s' has shape %s for %d rows. %s."
                .formatted(output, Arrays.toString(shape), rows, NEEDED_OUTPUT));
      }
      return columns;
    } catch (OrtException e) {
      throw new InvalidModelException(
          "the model failed on rows of %d zeros: %s".formatted(inputLength, firstLine(e)), e);
    }
  }

  private void warmUp(String output) throws InvalidModelException {
    FloatBuffer batch = directBuffer(Math.multiplyExact(WARM_UP_ROWS, inputLength));
    double[] scores = new double[WARM_UP_ROWS];
    try {
      for (int round = 0; round < WARM_UP_ROUNDS; round++) {
        score(batch, 1, scores);
        score(batch, WARM_UP_ROWS, scores);
      }
    } catch (ScoringException e) {
      throw new InvalidModelException("the model failed while warming up: " + e.getMessage(), e);
    }
    // NaN is possible: a model may need every input. A number outside [0, 1] is no probability.
    if (scores[0] < -1e-6 || scores[0] > 1 + 1e-6) {
      throw new InvalidModelException(
          "output '%s' is %s for a row of zeros, which is no probability. %s: export the probability, not the raw margin."
              .formatted(output, scores[0], NEEDED_OUTPUT));
    }
  }

  private static String described(Map<String, NodeInfo> nodes) {
    return nodes.values().stream().map(OnnxSession::described).collect(Collectors.joining(", "));
  }

  private static String described(NodeInfo node) {
    if (node.getInfo() instanceof TensorInfo tensor) {
      String shape =
          Arrays.stream(tensor.getShape())
              .mapToObj(size -> size < 0 ? "?" : Long.toString(size))
              .collect(Collectors.joining(", ", "[", "]"));
      return "'%s' %s %s".formatted(node.getName(), tensor.type, shape);
    }
    return "'%s' %s".formatted(node.getName(), node.getInfo().getClass().getSimpleName());
  }

  /**
   * Native messages continue with source positions and stack traces; the first line is the point.
   */
  private static String firstLine(OrtException e) {
    String message = String.valueOf(e.getMessage());
    int end = message.indexOf('\n');
    return end < 0 ? message : message.substring(0, end);
  }
}

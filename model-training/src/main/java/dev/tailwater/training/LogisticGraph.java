package dev.tailwater.training;

import ai.onnx.proto.OnnxMl.ModelProto;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.tribuo.util.onnx.ONNXAttribute;
import org.tribuo.util.onnx.ONNXContext;
import org.tribuo.util.onnx.ONNXInitializer;
import org.tribuo.util.onnx.ONNXNode;
import org.tribuo.util.onnx.ONNXOperator;
import org.tribuo.util.onnx.ONNXOperators;
import org.tribuo.util.onnx.ONNXPlaceholder;

/**
 * A logistic regression over raw values as an ONNX model: {@code features} float [rows, n] to
 * {@code probability} float [rows, 1].
 *
 * <p>Inside, everything is double: a float would lose the small deviations of a large mean. And the
 * weighted values are summed row by row, not multiplied as matrices, so that a row's score does not
 * depend on the other rows of its batch.
 */
final class LogisticGraph {
  private static final int IR_VERSION = 7; // of operator set 13, which Tribuo's operators are from

  private LogisticGraph() {}

  /**
   * probability = 1 / (1 + exp(-(intercept + sum over i of (x_i - means_i) * coefficients_i))),
   * where a missing x_i adds nothing.
   */
  static byte[] onnx(double[] means, double[] coefficients, double intercept) {
    ONNXContext graph = new ONNXContext();
    graph.setName("logistic-regression");
    ONNXPlaceholder features = graph.floatInput("features", means.length);
    ONNXPlaceholder probability = graph.floatOutput("probability", 1);

    ONNXInitializer mean = graph.array("means", means, false);
    ONNXNode deviation = features.cast(double.class).apply(ONNXOperators.SUB, mean, "deviation");
    ONNXInitializer nothing = graph.array("nothing", new double[] {0}, false);
    ONNXNode missing = deviation.apply(IsNaN.OPERATOR, "missing");
    ONNXNode known =
        graph.operation(ONNXOperators.WHERE, List.of(missing, nothing, deviation), "known");
    ONNXNode contribution =
        known.apply(
            ONNXOperators.MUL, graph.array("coefficients", coefficients, false), "contribution");
    ONNXNode sum =
        graph.operation(
            ONNXOperators.REDUCE_SUM,
            List.of(contribution, graph.array("columns", new long[] {1})),
            "sum",
            Map.of("keepdims", 1));
    sum.apply(ONNXOperators.ADD, graph.array("intercept", new double[] {intercept}, false))
        .apply(ONNXOperators.SIGMOID)
        .cast(float.class)
        .assignTo(probability);

    return ModelProto.newBuilder()
        .setIrVersion(IR_VERSION)
        .setProducerName("tailwater")
        .addOpsetImport(ONNXOperators.getOpsetProto())
        .setGraph(graph.buildGraph())
        .build()
        .toByteArray();
  }

  /** Tribuo's list of operators does not have this one. */
  private enum IsNaN implements ONNXOperator {
    OPERATOR;

    @Override
    public String getOpName() {
      return "IsNaN";
    }

    @Override
    public int getNumInputs() {
      return 1;
    }

    @Override
    public int getNumOptionalInputs() {
      return 0;
    }

    @Override
    public int getNumOutputs() {
      return 1;
    }

    @Override
    public Map<String, ONNXAttribute> getAttributes() {
      return Map.of();
    }

    @Override
    public Set<String> getMandatoryAttributeNames() {
      return Set.of();
    }

    @Override
    public int getOpVersion() {
      return ONNXOperators.getOpsetVersion();
    }

    @Override
    public String getOpDomain() {
      return "";
    }
  }
}

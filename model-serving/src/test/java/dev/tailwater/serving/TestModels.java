package dev.tailwater.serving;

import ai.onnx.proto.OnnxMl.AttributeProto;
import ai.onnx.proto.OnnxMl.GraphProto;
import ai.onnx.proto.OnnxMl.ModelProto;
import ai.onnx.proto.OnnxMl.NodeProto;
import ai.onnx.proto.OnnxMl.OperatorSetIdProto;
import ai.onnx.proto.OnnxMl.StringStringEntryProto;
import ai.onnx.proto.OnnxMl.TensorProto;
import ai.onnx.proto.OnnxMl.TensorShapeProto;
import ai.onnx.proto.OnnxMl.TypeProto;
import ai.onnx.proto.OnnxMl.ValueInfoProto;
import java.util.List;

/** Small ONNX models, built by hand: a logistic regression whose weights are all 1. */
final class TestModels {
  static final int FLOAT = TensorProto.DataType.FLOAT_VALUE;
  static final int INT64 = TensorProto.DataType.INT64_VALUE;

  /** A dimension of any size. */
  static final long FREE = -1;

  private TestModels() {}

  /** sigmoid(sum of the inputs), as [rows, 1]. */
  static byte[] sumLogistic(int inputLength) {
    return bytes(sumLogisticGraph(inputLength, FLOAT, FREE).addOutput(value("p", FLOAT, FREE, 1)));
  }

  /** As {@link #sumLogistic}, as [rows]. */
  static byte[] flat(int inputLength) {
    return bytes(
        sumLogisticGraph(inputLength, FLOAT, FREE)
            .addInitializer(longs("axes", 1))
            .addNode(node("Squeeze", List.of("p", "axes"), "flat"))
            .addOutput(value("flat", FLOAT, FREE)));
  }

  /** The classes' probabilities [1 - p, p], beside a label output, as scikit-learn exports them. */
  static byte[] labelAndProbabilities(int inputLength) {
    return bytes(
        sumLogisticGraph(inputLength, FLOAT, FREE)
            .addInitializer(floats("one", 1f))
            .addNode(node("Sub", List.of("one", "p"), "q"))
            .addNode(
                node("Concat", List.of("q", "p"), "probabilities").toBuilder()
                    .addAttribute(whole("axis", 1))
                    .build())
            .addNode(
                node("ArgMax", List.of("probabilities"), "label").toBuilder()
                    .addAttribute(whole("axis", 1))
                    .addAttribute(whole("keepdims", 0))
                    .build())
            .addOutput(value("label", INT64, FREE))
            .addOutput(value("probabilities", FLOAT, FREE, 2)));
  }

  /** The sum itself, which is no probability. */
  static byte[] margin(int inputLength) {
    return bytes(
        sumLogisticGraph(inputLength, FLOAT, FREE)
            .addInitializer(floats("two", 2f))
            .addNode(node("Add", List.of("margin", "two"), "raw"))
            .addOutput(value("raw", FLOAT, FREE, 1)));
  }

  static byte[] threeColumns(int inputLength) {
    return bytes(
        sumLogisticGraph(inputLength, FLOAT, FREE)
            .addNode(
                node("Concat", List.of("p", "p", "p"), "classes").toBuilder()
                    .addAttribute(whole("axis", 1))
                    .build())
            .addOutput(value("classes", FLOAT, FREE, 3)));
  }

  static byte[] onlyLabel(int inputLength) {
    return bytes(
        sumLogisticGraph(inputLength, FLOAT, FREE)
            .addNode(
                node("Cast", List.of("p"), "label").toBuilder()
                    .addAttribute(whole("to", INT64))
                    .build())
            .addOutput(value("label", INT64, FREE, 1)));
  }

  static byte[] fixedRows(int inputLength) {
    return bytes(sumLogisticGraph(inputLength, FLOAT, 1).addOutput(value("p", FLOAT, 1, 1)));
  }

  static byte[] doubleInput(int inputLength) {
    return bytes(
        GraphProto.newBuilder()
            .setName("double")
            .addInput(value("x", TensorProto.DataType.DOUBLE_VALUE, FREE, inputLength))
            .addNode(
                node("Cast", List.of("x"), "p").toBuilder()
                    .addAttribute(whole("to", FLOAT))
                    .build())
            .addOutput(value("p", FLOAT, FREE, inputLength)));
  }

  static byte[] twoInputs(int inputLength) {
    return bytes(
        sumLogisticGraph(inputLength, FLOAT, FREE)
            .addInput(value("y", FLOAT, FREE, 1))
            .addNode(node("Mul", List.of("p", "y"), "py"))
            .addOutput(value("py", FLOAT, FREE, 1)));
  }

  /** Weights that are read from another file of this machine. */
  static byte[] externalWeights(int inputLength, String location) {
    GraphProto.Builder graph = sumLogisticGraph(inputLength, FLOAT, FREE);
    graph
        .getInitializerBuilder(0)
        .clearFloatData()
        .setDataLocation(TensorProto.DataLocation.EXTERNAL)
        .addExternalData(StringStringEntryProto.newBuilder().setKey("location").setValue(location));
    return bytes(graph.addOutput(value("p", FLOAT, FREE, 1)));
  }

  /** The same, hidden in a branch of an If. */
  static byte[] externalWeightsInBranch(int inputLength) {
    TensorProto hidden =
        TensorProto.newBuilder()
            .setName("hidden")
            .setDataType(FLOAT)
            .addDims(1)
            .setDataLocation(TensorProto.DataLocation.EXTERNAL)
            .build();
    GraphProto branch = GraphProto.newBuilder().setName("branch").addInitializer(hidden).build();
    return bytes(
        sumLogisticGraph(inputLength, FLOAT, FREE)
            .addNode(
                node("If", List.of("p"), "chosen").toBuilder()
                    .addAttribute(
                        AttributeProto.newBuilder()
                            .setName("then_branch")
                            .setType(AttributeProto.AttributeType.GRAPH)
                            .setG(branch))
                    .build())
            .addOutput(value("chosen", FLOAT, FREE, 1)));
  }

  static byte[] customOperator(int inputLength) {
    return bytes(
        sumLogisticGraph(inputLength, FLOAT, FREE)
            .addNode(node("Magic", List.of("p"), "m").toBuilder().setDomain("com.example").build())
            .addOutput(value("m", FLOAT, FREE, 1)));
  }

  private static GraphProto.Builder sumLogisticGraph(int inputLength, int type, long rows) {
    TensorProto.Builder weights =
        TensorProto.newBuilder().setName("w").setDataType(FLOAT).addDims(inputLength).addDims(1);
    for (int i = 0; i < inputLength; i++) {
      weights.addFloatData(1f);
    }
    return GraphProto.newBuilder()
        .setName("logistic")
        .addInput(value("x", type, rows, inputLength))
        .addInitializer(weights)
        .addNode(node("MatMul", List.of("x", "w"), "margin"))
        .addNode(node("Sigmoid", List.of("margin"), "p"));
  }

  private static byte[] bytes(GraphProto.Builder graph) {
    return ModelProto.newBuilder()
        .setIrVersion(8)
        .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(13))
        .setGraph(graph)
        .build()
        .toByteArray();
  }

  private static NodeProto node(String operator, List<String> inputs, String output) {
    return NodeProto.newBuilder().setOpType(operator).addAllInput(inputs).addOutput(output).build();
  }

  private static AttributeProto whole(String name, long value) {
    return AttributeProto.newBuilder()
        .setName(name)
        .setType(AttributeProto.AttributeType.INT)
        .setI(value)
        .build();
  }

  private static TensorProto longs(String name, long value) {
    return TensorProto.newBuilder()
        .setName(name)
        .setDataType(INT64)
        .addDims(1)
        .addInt64Data(value)
        .build();
  }

  private static TensorProto floats(String name, float value) {
    return TensorProto.newBuilder()
        .setName(name)
        .setDataType(FLOAT)
        .addDims(1)
        .addFloatData(value)
        .build();
  }

  private static ValueInfoProto value(String name, int type, long... dimensions) {
    TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
    for (long dimension : dimensions) {
      shape.addDim(
          dimension == FREE
              ? TensorShapeProto.Dimension.newBuilder().setDimParam("rows")
              : TensorShapeProto.Dimension.newBuilder().setDimValue(dimension));
    }
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(
            TypeProto.newBuilder()
                .setTensorType(TypeProto.Tensor.newBuilder().setElemType(type).setShape(shape)))
        .build();
  }
}

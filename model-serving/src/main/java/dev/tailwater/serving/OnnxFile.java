package dev.tailwater.serving;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Set;
import java.util.TreeSet;

/**
 * Reads the structure of an ONNX file (a Protocol Buffers message) before native code sees it.
 *
 * <p>Two things must be refused here. A tensor may name an external file, or even a memory address,
 * to read its values from: a model could then read whatever this process can. An operator may come
 * from a library outside the file. Neither can be told from an error of the native runtime, and the
 * first may not even be one.
 */
final class OnnxFile {
  private static final Set<String> STANDARD_DOMAINS = Set.of("", "ai.onnx", "ai.onnx.ml");

  /** Sub-graphs nest (If, Loop); no real model comes near this. */
  private static final int MAX_DEPTH = 64;

  private static final int VARINT = 0;
  private static final int FIXED64 = 1;
  private static final int BYTES = 2;
  private static final int FIXED32 = 5;

  private final Set<String> functionDomains = new HashSet<>();
  private final Set<String> foreignOperators = new TreeSet<>();
  private boolean hasGraph;

  private OnnxFile() {}

  /**
   * @throws InvalidModelException if the bytes are not an ONNX model, read values from outside the
   *     file, or use operators that neither ONNX nor the file itself defines
   */
  static void check(byte[] model) throws InvalidModelException {
    OnnxFile file = new OnnxFile();
    try {
      file.model(ByteBuffer.wrap(model));
    } catch (MalformedException e) {
      throw new InvalidModelException(
          "not an ONNX file: %s. Export the model with an ONNX exporter and register that file."
              .formatted(e.getMessage()),
          e);
    }
    if (!file.hasGraph) {
      throw new InvalidModelException(
          "not an ONNX file: %,d bytes hold no graph. Export the model with an ONNX exporter and register that file."
              .formatted(model.length));
    }
    file.foreignOperators.removeIf(
        operator -> file.functionDomains.contains(operator.substring(0, operator.indexOf("::"))));
    if (!file.foreignOperators.isEmpty()) {
      throw new InvalidModelException(
          "the model uses operators that are not part of ONNX: %s. Only the domains ai.onnx and ai.onnx.ml are served: export the model without custom operators."
              .formatted(String.join(", ", file.foreignOperators)));
    }
  }

  private void model(ByteBuffer message) throws InvalidModelException, MalformedException {
    while (message.hasRemaining()) {
      int tag = tag(message);
      switch (tag >>> 3) {
        case 7 -> {
          hasGraph = true;
          graph(bytes(message, tag), 0);
        }
        case 20 -> trainingInfo(bytes(message, tag));
        case 25 -> function(bytes(message, tag));
        default -> skip(message, tag);
      }
    }
  }

  private void trainingInfo(ByteBuffer message) throws InvalidModelException, MalformedException {
    while (message.hasRemaining()) {
      int tag = tag(message);
      switch (tag >>> 3) {
        case 1, 2 -> graph(bytes(message, tag), 0);
        default -> skip(message, tag);
      }
    }
  }

  private void function(ByteBuffer message) throws InvalidModelException, MalformedException {
    while (message.hasRemaining()) {
      int tag = tag(message);
      switch (tag >>> 3) {
        case 7 -> node(bytes(message, tag), 0);
        case 10 -> functionDomains.add(text(bytes(message, tag)));
        case 11 -> attribute(bytes(message, tag), 0);
        default -> skip(message, tag);
      }
    }
  }

  private void graph(ByteBuffer message, int depth)
      throws InvalidModelException, MalformedException {
    if (depth > MAX_DEPTH) {
      throw new MalformedException("sub-graphs are nested deeper than " + MAX_DEPTH);
    }
    while (message.hasRemaining()) {
      int tag = tag(message);
      switch (tag >>> 3) {
        case 1 -> node(bytes(message, tag), depth);
        case 5 -> tensor(bytes(message, tag));
        case 15 -> sparseTensor(bytes(message, tag));
        default -> skip(message, tag);
      }
    }
  }

  private void node(ByteBuffer message, int depth)
      throws InvalidModelException, MalformedException {
    String operator = "";
    String domain = "";
    while (message.hasRemaining()) {
      int tag = tag(message);
      switch (tag >>> 3) {
        case 4 -> operator = text(bytes(message, tag));
        case 5 -> attribute(bytes(message, tag), depth);
        case 7 -> domain = text(bytes(message, tag));
        default -> skip(message, tag);
      }
    }
    if (!STANDARD_DOMAINS.contains(domain)) {
      foreignOperators.add(domain + "::" + operator);
    }
  }

  private void attribute(ByteBuffer message, int depth)
      throws InvalidModelException, MalformedException {
    while (message.hasRemaining()) {
      int tag = tag(message);
      switch (tag >>> 3) {
        case 5, 10 -> tensor(bytes(message, tag));
        case 6, 11 -> graph(bytes(message, tag), depth + 1);
        case 22, 23 -> sparseTensor(bytes(message, tag));
        default -> skip(message, tag);
      }
    }
  }

  private static void sparseTensor(ByteBuffer message)
      throws InvalidModelException, MalformedException {
    while (message.hasRemaining()) {
      int tag = tag(message);
      switch (tag >>> 3) {
        case 1, 2 -> tensor(bytes(message, tag));
        default -> skip(message, tag);
      }
    }
  }

  private static void tensor(ByteBuffer message) throws InvalidModelException, MalformedException {
    String name = "";
    boolean external = false;
    while (message.hasRemaining()) {
      int tag = tag(message);
      switch (tag >>> 3) {
        case 8 -> name = text(bytes(message, tag));
        case 13 -> {
          external = true;
          skip(message, tag);
        }
        case 14 -> {
          if ((tag & 7) != VARINT) {
            throw new MalformedException("a tensor's data location is not a number");
          }
          external |= varint(message) != 0;
        }
        default -> skip(message, tag);
      }
    }
    if (external) {
      throw new InvalidModelException(
          "tensor '%s' keeps its values outside the file. Export the model as one file, without external data."
              .formatted(name));
    }
  }

  private static int tag(ByteBuffer message) throws MalformedException {
    long tag = varint(message);
    if (tag < 8 || tag > 0xFFFF_FFFFL) {
      throw new MalformedException("no field starts at this place");
    }
    return (int) tag;
  }

  private static long varint(ByteBuffer message) throws MalformedException {
    long value = 0;
    for (int shift = 0; shift < 64 && message.hasRemaining(); shift += 7) {
      byte next = message.get();
      value |= (long) (next & 0x7F) << shift;
      if (next >= 0) {
        return value;
      }
    }
    throw new MalformedException("a number is cut off");
  }

  private static ByteBuffer bytes(ByteBuffer message, int tag) throws MalformedException {
    if ((tag & 7) != BYTES) {
      throw new MalformedException("field %d has another type".formatted(tag >>> 3));
    }
    long length = varint(message);
    if (length < 0 || length > message.remaining()) {
      throw new MalformedException("field %d is cut off".formatted(tag >>> 3));
    }
    ByteBuffer field =
        message.slice(message.position(), (int) length).order(ByteOrder.LITTLE_ENDIAN);
    message.position(message.position() + (int) length);
    return field;
  }

  private static void skip(ByteBuffer message, int tag) throws MalformedException {
    switch (tag & 7) {
      case VARINT -> {
        varint(message);
      }
      case FIXED64 -> advance(message, Long.BYTES);
      case FIXED32 -> advance(message, Integer.BYTES);
      case BYTES -> {
        bytes(message, tag);
      }
      default -> throw new MalformedException("field %d has an unknown type".formatted(tag >>> 3));
    }
  }

  private static void advance(ByteBuffer message, int count) throws MalformedException {
    if (message.remaining() < count) {
      throw new MalformedException("a number is cut off");
    }
    message.position(message.position() + count);
  }

  private static String text(ByteBuffer field) {
    return StandardCharsets.UTF_8.decode(field).toString();
  }

  /** The bytes are not the Protocol Buffers message they should be. */
  private static final class MalformedException extends Exception {
    MalformedException(String message) {
      super(message);
    }
  }
}

package dev.tailwater.serving;

import com.fasterxml.jackson.core.JsonEncoding;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The JSON of {@code metadata.json} and {@code champion.json}. Unknown keys are ignored. */
final class MetadataFile {
  private static final JsonFactory JSON = new JsonFactory();

  private MetadataFile() {}

  static byte[] write(ModelVersion version) {
    ModelMetadata metadata = version.metadata();
    return json(
        out -> {
          out.writeStringField("model", version.model());
          out.writeNumberField("version", version.version());
          out.writeStringField("sha256", version.sha256());
          out.writeNumberField("size_bytes", version.sizeBytes());
          out.writeArrayFieldStart("inputs");
          for (String name : metadata.inputNames()) {
            out.writeString(name);
          }
          out.writeEndArray();
          out.writeStringField("definition_version", metadata.definitionVersion());
          out.writeStringField("trained_from", metadata.trainedFrom().toString());
          out.writeStringField("trained_until", metadata.trainedUntil().toString());
          out.writeObjectFieldStart("metrics");
          for (Map.Entry<String, Double> metric : metadata.metrics().entrySet()) {
            out.writeNumberField(metric.getKey(), metric.getValue());
          }
          out.writeEndObject();
        });
  }

  static byte[] writeChampion(int version) {
    return json(out -> out.writeNumberField("version", version));
  }

  /**
   * @throws IOException saying what is wrong, without the file's name
   */
  static ModelVersion read(byte[] json) throws IOException {
    Map<String, Object> fields = fields(json);
    try {
      return new ModelVersion(
          text(fields, "model"),
          version(fields),
          text(fields, "sha256"),
          whole(fields, "size_bytes"),
          new ModelMetadata(
              texts(fields, "inputs"),
              text(fields, "definition_version"),
              Instant.parse(text(fields, "trained_from")),
              Instant.parse(text(fields, "trained_until")),
              numbers(fields, "metrics")));
    } catch (DateTimeException | IllegalArgumentException e) {
      throw new IOException(e.getMessage(), e);
    }
  }

  static int readChampion(byte[] json) throws IOException {
    return version(fields(json));
  }

  private interface Content {
    void write(JsonGenerator out) throws IOException;
  }

  private static byte[] json(Content content) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (JsonGenerator out = JSON.createGenerator(bytes, JsonEncoding.UTF8)) {
      out.useDefaultPrettyPrinter();
      out.writeStartObject();
      content.write(out);
      out.writeEndObject();
      out.writeRaw('\n');
    } catch (IOException e) {
      throw new UncheckedIOException("writing to memory does not fail", e);
    }
    return bytes.toByteArray();
  }

  /** Strings, Doubles (any number), Lists of String and Maps of String to Double, by key. */
  private static Map<String, Object> fields(byte[] json) throws IOException {
    Map<String, Object> fields = new HashMap<>();
    try (JsonParser in = JSON.createParser(json)) {
      if (in.nextToken() != JsonToken.START_OBJECT) {
        throw new IOException("it is not a JSON object");
      }
      while (in.nextToken() == JsonToken.FIELD_NAME) {
        String name = in.currentName();
        JsonToken value = in.nextToken();
        if (value == JsonToken.START_ARRAY) {
          List<String> texts = new ArrayList<>();
          while (in.nextToken() == JsonToken.VALUE_STRING) {
            texts.add(in.getText());
          }
          require(in.currentToken() == JsonToken.END_ARRAY, name, "a list of strings");
          fields.put(name, texts);
        } else if (value == JsonToken.START_OBJECT) {
          Map<String, Double> numbers = new HashMap<>();
          while (in.nextToken() == JsonToken.FIELD_NAME) {
            String key = in.currentName();
            require(in.nextToken().isNumeric(), name, "an object of numbers");
            numbers.put(key, in.getDoubleValue());
          }
          fields.put(name, numbers);
        } else if (value == JsonToken.VALUE_STRING) {
          fields.put(name, in.getText());
        } else if (value != null && value.isNumeric()) {
          fields.put(name, in.getDoubleValue());
        }
      }
      if (in.currentToken() != JsonToken.END_OBJECT) {
        throw new IOException("it is cut off");
      }
    }
    return fields;
  }

  private static int version(Map<String, Object> fields) throws IOException {
    long version = whole(fields, "version");
    require(version >= 1 && version <= Integer.MAX_VALUE, "version", "a whole number from 1");
    return (int) version;
  }

  private static long whole(Map<String, Object> fields, String name) throws IOException {
    double value =
        field(fields, name, Double.class).orElseThrow(() -> missing(name, "a whole number"));
    require(value == Math.rint(value) && Math.abs(value) < 1e15, name, "a whole number");
    return (long) value;
  }

  private static String text(Map<String, Object> fields, String name) throws IOException {
    return field(fields, name, String.class).orElseThrow(() -> missing(name, "a string"));
  }

  private static List<String> texts(Map<String, Object> fields, String name) throws IOException {
    List<?> texts =
        field(fields, name, List.class).orElseThrow(() -> missing(name, "a list of strings"));
    return texts.stream().map(String.class::cast).toList();
  }

  private static Map<String, Double> numbers(Map<String, Object> fields, String name)
      throws IOException {
    Map<?, ?> numbers =
        field(fields, name, Map.class).orElseThrow(() -> missing(name, "an object of numbers"));
    Map<String, Double> typed = new HashMap<>();
    numbers.forEach((key, value) -> typed.put((String) key, (Double) value));
    return typed;
  }

  private static <T> Optional<T> field(Map<String, Object> fields, String name, Class<T> type) {
    return Optional.ofNullable(fields.get(name)).filter(type::isInstance).map(type::cast);
  }

  private static void require(boolean valid, String name, String needed) throws IOException {
    if (!valid) {
      throw missing(name, needed);
    }
  }

  private static IOException missing(String name, String needed) {
    return new IOException("'%s' must be %s".formatted(name, needed));
  }
}

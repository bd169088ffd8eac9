package dev.tailwater.schemas;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Lists and maps as JSON text, wherever a store or a file holds text: {@code [3,1]}, {@code
 * {"a":0.5}}. What is written is read back as the same value, bit by bit, except that every NaN
 * becomes the usual one. NaN and the infinities, which JSON does not have, are the texts {@code
 * "NaN"}, {@code "Infinity"} and {@code "-Infinity"}.
 */
public final class JsonCollections {

  private JsonCollections() {}

  /**
   * Writes a value of a list or map type on one line, without spaces.
   *
   * @param value of the Java class that {@link ColumnType} says
   */
  public static String write(Object value) {
    StringWriter text = new StringWriter();
    try (JsonGenerator json = Json.FACTORY.createGenerator(text)) {
      if (value instanceof Map<?, ?> map) {
        json.writeStartObject();
        for (Map.Entry<?, ?> entry : map.entrySet()) {
          json.writeFieldName((String) entry.getKey());
          writeElement(json, entry.getValue());
        }
        json.writeEndObject();
      } else {
        json.writeStartArray();
        for (Object element : (List<?>) value) {
          writeElement(json, element);
        }
        json.writeEndArray();
      }
    } catch (IOException e) {
      throw new UncheckedIOException("a value could not be written to memory", e);
    }
    return text.toString();
  }

  private static void writeElement(JsonGenerator json, Object element) throws IOException {
    if (element instanceof Long number) {
      json.writeNumber(number);
    } else if (element instanceof Double number) {
      if (Double.isFinite(number)) {
        json.writeNumber(number);
      } else {
        json.writeString(number.toString());
      }
    } else {
      json.writeString((String) element);
    }
  }

  /**
   * Reads what {@link #write} wrote.
   *
   * @param type a list or map type
   * @return an unmodifiable list, or an unmodifiable map in the order of the text
   * @throws IllegalArgumentException if the text is not such a value
   */
  public static Object read(ColumnType type, String text) {
    ColumnType elementType = type.elementType();
    try (JsonParser json = Json.FACTORY.createParser(text)) {
      Object value;
      JsonToken first = json.nextToken();
      if (type.isMap() && first == JsonToken.START_OBJECT) {
        Map<String, Object> map = new LinkedHashMap<>();
        for (String key = json.nextFieldName(); key != null; key = json.nextFieldName()) {
          map.put(key, element(json, json.nextToken(), elementType));
        }
        value = Collections.unmodifiableMap(map);
      } else if (type.isList() && first == JsonToken.START_ARRAY) {
        List<Object> list = new ArrayList<>();
        for (JsonToken token = json.nextToken();
            token != JsonToken.END_ARRAY;
            token = json.nextToken()) {
          list.add(element(json, token, elementType));
        }
        value = Collections.unmodifiableList(list);
      } else {
        throw notA(type, text);
      }
      if (json.nextToken() != null) {
        throw notA(type, text);
      }
      return value;
    } catch (IOException e) {
      throw new IllegalArgumentException(
          "'" + Text.shown(text) + "' is not JSON: " + e.getMessage(), e);
    }
  }

  private static Object element(JsonParser json, JsonToken token, ColumnType type)
      throws IOException {
    boolean isText = token == JsonToken.VALUE_STRING;
    boolean isWhole = token == JsonToken.VALUE_NUMBER_INT;
    if (type == ColumnType.LONG && isWhole) {
      return json.getLongValue();
    }
    if (type == ColumnType.STRING && isText) {
      return json.getText();
    }
    if (type == ColumnType.DOUBLE && (isWhole || token == JsonToken.VALUE_NUMBER_FLOAT)) {
      return json.getDoubleValue();
    }
    if (type == ColumnType.DOUBLE && isText) {
      return switch (json.getText()) {
        case "NaN" -> Double.NaN;
        case "Infinity" -> Double.POSITIVE_INFINITY;
        case "-Infinity" -> Double.NEGATIVE_INFINITY;
        default -> throw notA(type, json.getText());
      };
    }
    throw new IllegalArgumentException("an element of type " + type + " is " + token);
  }

  private static IllegalArgumentException notA(ColumnType type, String text) {
    return new IllegalArgumentException("'" + Text.shown(text) + "' is not a " + type);
  }
}

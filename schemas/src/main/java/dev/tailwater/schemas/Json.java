package dev.tailwater.schemas;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonFactoryBuilder;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import java.io.IOException;

/** What reading JSON records has in common: one bounded factory and the words of its errors. */
final class Json {

  private static final int MAX_DEPTH = 64;
  private static final int MAX_NUMBER_CHARACTERS = 400;

  /** Field names are not interned: a producer chooses them, and they would fill the JVM's table. */
  static final JsonFactory FACTORY =
      new JsonFactoryBuilder()
          .disable(JsonFactory.Feature.INTERN_FIELD_NAMES)
          .disable(JsonFactory.Feature.CHARSET_DETECTION)
          .enable(StreamReadFeature.USE_FAST_DOUBLE_PARSER)
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(MAX_DEPTH)
                  .maxNumberLength(MAX_NUMBER_CHARACTERS)
                  .maxNameLength(RecordFormat.MAX_RECORD_BYTES)
                  .maxStringLength(RecordFormat.MAX_RECORD_BYTES)
                  .build())
          .build();

  private Json() {}

  static UndecodableRecordException malformed(IOException e) {
    if (e instanceof JsonProcessingException problem && problem.getLocation() != null) {
      return new UndecodableRecordException(
          "malformed JSON at byte "
              + problem.getLocation().getByteOffset()
              + ": "
              + problem.getOriginalMessage());
    }
    return new UndecodableRecordException("malformed JSON: " + e.getMessage());
  }

  static void requireObject(JsonParser parser) throws IOException, UndecodableRecordException {
    JsonToken first = parser.nextToken();
    if (first != JsonToken.START_OBJECT) {
      throw new UndecodableRecordException(
          "a record must be a JSON object, but it is " + (first == null ? "empty" : words(first)));
    }
  }

  static void requireEnd(JsonParser parser) throws IOException, UndecodableRecordException {
    if (parser.nextToken() != null) {
      throw new UndecodableRecordException("more text follows the JSON object");
    }
  }

  /** A token in the words of JSON. */
  static String words(JsonToken token) {
    return switch (token) {
      case START_OBJECT, END_OBJECT -> "an object";
      case START_ARRAY, END_ARRAY -> "an array";
      case VALUE_STRING, FIELD_NAME -> "a string";
      case VALUE_NUMBER_INT -> "a whole number";
      case VALUE_NUMBER_FLOAT -> "a number with a fraction or exponent";
      case VALUE_TRUE, VALUE_FALSE -> "a boolean";
      case VALUE_NULL -> "null";
      case NOT_AVAILABLE, VALUE_EMBEDDED_OBJECT -> "not JSON";
    };
  }
}

package dev.tailwater.schemas;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Predictions as JSON objects. */
final class JsonPredictions implements PredictionFormat.Encoder, PredictionFormat.Decoder {

  private static final String VECTOR = "vector";

  /** Everything but the vector is a flat record: it is checked as every other record is. */
  private static final RecordSchema FLAT =
      AvroContracts.of(
          "Prediction",
          List.of(
              new Column("question_id", ColumnType.STRING, false),
              new Column("model", ColumnType.STRING, false),
              new Column("model_version", ColumnType.STRING, false),
              new Column("definition_version", ColumnType.STRING, false),
              new Column("event_time", ColumnType.TIMESTAMP, false),
              new Column("score", ColumnType.DOUBLE, true),
              new Column("outcome", ColumnType.STRING, false),
              new Column("reason", ColumnType.STRING, true),
              new Column("latency_ms", ColumnType.DOUBLE, true),
              new Column("cause_topic", ColumnType.STRING, false),
              new Column("cause_partition", ColumnType.INT, false),
              new Column("cause_offset", ColumnType.LONG, false)));

  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream(512);
  private final VectorNames vector = new VectorNames();
  private final JsonRecordDecoder flat = new JsonRecordDecoder(FLAT);
  private boolean vectorRead;

  @Override
  public byte[] encode(Prediction prediction) {
    PredictionFormat.requireEncodable(prediction);
    bytes.reset();
    try (JsonGenerator json = Json.FACTORY.createGenerator(bytes)) {
      json.writeStartObject();
      writeText(json, "question_id", prediction.questionId());
      writeText(json, "model", prediction.model());
      writeText(json, "model_version", prediction.modelVersion());
      writeText(json, "definition_version", prediction.definitionVersion());
      json.writeStringField("event_time", Timestamps.format(prediction.eventTime()));
      json.writeFieldName("score");
      writeNumber(json, prediction.score());
      json.writeStringField("outcome", prediction.outcome().name());
      writeText(json, "reason", prediction.reason());
      json.writeFieldName("latency_ms");
      writeNumber(json, prediction.latencyMs());
      json.writeObjectFieldStart(VECTOR);
      List<String> names = prediction.vectorNames();
      for (int i = 0; i < names.size(); i++) {
        json.writeFieldName(Text.requireUnicode(names.get(i), VECTOR));
        writeNumber(json, prediction.vector()[i]);
      }
      json.writeEndObject();
      writeText(json, "cause_topic", prediction.causeTopic());
      json.writeNumberField("cause_partition", prediction.causePartition());
      json.writeNumberField("cause_offset", prediction.causeOffset());
      json.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException("a prediction could not be written to memory", e);
    }
    return bytes.toByteArray();
  }

  private static void writeText(JsonGenerator json, String field, @Nullable String text)
      throws IOException {
    json.writeFieldName(field);
    if (text == null) {
      json.writeNull();
    } else {
      json.writeString(Text.requireUnicode(text, field));
    }
  }

  private static void writeNumber(JsonGenerator json, double value) throws IOException {
    if (Double.isNaN(value)) {
      json.writeNull();
    } else if (Double.isInfinite(value)) {
      json.writeString(String.valueOf(value)); // JSON has no number for it.
    } else {
      json.writeNumber(value);
    }
  }

  @Override
  public Prediction decode(byte[] record) throws UndecodableRecordException {
    vectorRead = false;
    @Nullable Object[] values = flat.decode(record, this::readOther);
    if (!vectorRead) {
      throw new UndecodableRecordException("vector is missing, but every prediction has one");
    }
    return new Prediction(
        (String) values[0],
        (String) values[1],
        (String) values[2],
        (String) values[3],
        (Long) values[4],
        numberOrNaN(values[5]),
        outcome((String) values[6]),
        (String) values[7],
        numberOrNaN(values[8]),
        vector.names(),
        vector.values(),
        (String) values[9],
        (Integer) values[10],
        (Long) values[11]);
  }

  private void readOther(JsonParser parser, String name)
      throws IOException, UndecodableRecordException {
    if (!name.equals(VECTOR)) {
      parser.skipChildren();
      return;
    }
    if (vectorRead) {
      throw new UndecodableRecordException("vector stands twice in the record");
    }
    vectorRead = true;
    vector.start();
    if (parser.currentToken() != JsonToken.START_OBJECT) {
      throw new UndecodableRecordException(
          "vector is " + Json.words(parser.currentToken()) + ", but it must be an object");
    }
    for (String feature = parser.nextFieldName();
        feature != null;
        feature = parser.nextFieldName()) {
      vector.add(
          Text.requireUnicodeRead(feature, VECTOR),
          featureValue(parser, parser.nextToken(), feature));
    }
  }

  private static double featureValue(JsonParser parser, JsonToken token, String feature)
      throws IOException, UndecodableRecordException {
    if (token == JsonToken.VALUE_NULL) {
      return Double.NaN;
    }
    if (token == JsonToken.VALUE_NUMBER_INT || token == JsonToken.VALUE_NUMBER_FLOAT) {
      double value = parser.getDoubleValue();
      if (Double.isFinite(value)) {
        return value;
      }
    } else if (token == JsonToken.VALUE_STRING) {
      switch (parser.getText()) {
        case "Infinity":
          return Double.POSITIVE_INFINITY;
        case "-Infinity":
          return Double.NEGATIVE_INFINITY;
        default:
          break;
      }
    }
    throw new UndecodableRecordException(
        "feature "
            + Text.shown(feature)
            + " of the vector is "
            + Json.words(token)
            + "; it must be null, a number within a double's range, \"Infinity\" or \"-Infinity\"");
  }

  private static double numberOrNaN(@Nullable Object value) {
    return value == null ? Double.NaN : (Double) value;
  }

  private static Prediction.Outcome outcome(String text) throws UndecodableRecordException {
    for (Prediction.Outcome outcome : Prediction.Outcome.values()) {
      if (outcome.name().equals(text)) {
        return outcome;
      }
    }
    throw new UndecodableRecordException(
        "outcome is '"
            + Text.shown(text)
            + "', but it must be one of "
            + Arrays.toString(Prediction.Outcome.values()));
  }
}

package dev.tailwater.schemas;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/** How predictions are written on the log. Each decoder is the exact inverse of its encoder. */
public enum PredictionFormat {
  /**
   * One JSON object: {@code question_id}, {@code model}, {@code model_version}, {@code
   * definition_version}, {@code event_time} (ISO-8601), {@code score} (null when there is none),
   * {@code outcome}, {@code reason}, {@code latency_ms} (null when unknown), {@code vector} (an
   * object of feature name → number, null where missing, or the strings {@code "Infinity"} and
   * {@code "-Infinity"}), {@code cause_topic}, {@code cause_partition}, {@code cause_offset}.
   */
  JSON,
  /** Avro binary encoding of {@link #avroContract}, without a header. */
  AVRO;

  private static final String CONTRACT = "prediction.avsc";

  /** Writes predictions as bytes. Not thread-safe. */
  public interface Encoder {
    /**
     * Encodes one prediction.
     *
     * @throws IllegalArgumentException if its time is outside the years 1 to 9999, its score or
     *     latency infinite, or a text not Unicode
     */
    byte[] encode(Prediction prediction);
  }

  /** Reads predictions back. Not thread-safe. */
  public interface Decoder {
    /**
     * Decodes one prediction; neighbours with the same feature names share one list of them.
     *
     * @throws UndecodableRecordException if the bytes are not a prediction
     */
    Prediction decode(byte[] record) throws UndecodableRecordException;
  }

  /** A writer in this format. */
  public Encoder encoder() {
    return switch (this) {
      case JSON -> new JsonPredictions();
      case AVRO -> new AvroPredictions();
    };
  }

  /** A reader of this format. */
  public Decoder decoder() {
    return switch (this) {
      case JSON -> new JsonPredictions();
      case AVRO -> new AvroPredictions();
    };
  }

  /** The Avro contract of predictions, as JSON. */
  public static String avroContract() {
    try (InputStream contract = PredictionFormat.class.getResourceAsStream(CONTRACT)) {
      if (contract == null) {
        throw new IllegalStateException(CONTRACT + " is missing beside " + PredictionFormat.class);
      }
      return new String(contract.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(CONTRACT + " cannot be read from the class path", e);
    }
  }

  static void requireEncodable(Prediction prediction) {
    if (!Timestamps.isInRange(prediction.eventTime())) {
      throw unencodable(prediction, "event time", prediction.eventTime() + " ms");
    }
    if (Double.isInfinite(prediction.score())) {
      throw unencodable(prediction, "score", String.valueOf(prediction.score()));
    }
    if (Double.isInfinite(prediction.latencyMs())) {
      throw unencodable(prediction, "latency", String.valueOf(prediction.latencyMs()));
    }
  }

  private static IllegalArgumentException unencodable(
      Prediction prediction, String what, String value) {
    return new IllegalArgumentException(
        "prediction "
            + Text.shown(prediction.questionId())
            + " has the "
            + what
            + " "
            + value
            + "; an event time lies in the years 1 to 9999, numbers are finite or NaN");
  }
}

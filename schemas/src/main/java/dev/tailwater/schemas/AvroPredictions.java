package dev.tailwater.schemas;

import java.util.List;

/** Predictions in Avro's binary encoding; the fields in the order of {@code prediction.avsc}. */
final class AvroPredictions implements PredictionFormat.Encoder, PredictionFormat.Decoder {

  private static final Prediction.Outcome[] OUTCOMES = Prediction.Outcome.values();

  private final AvroBinaryWriter out = new AvroBinaryWriter();
  private final AvroBinaryReader in = new AvroBinaryReader();
  private final VectorNames vector = new VectorNames();

  @Override
  public byte[] encode(Prediction prediction) {
    PredictionFormat.requireEncodable(prediction);
    out.reset();
    out.writeString(prediction.questionId(), "question_id");
    out.writeString(prediction.model(), "model");
    out.writeString(prediction.modelVersion(), "model_version");
    out.writeString(prediction.definitionVersion(), "definition_version");
    out.writeLong(prediction.eventTime());
    writeNumber(prediction.score());
    out.writeLong(prediction.outcome().ordinal());
    String reason = prediction.reason();
    out.writeLong(reason == null ? 0 : 1);
    if (reason != null) {
      out.writeString(reason, "reason");
    }
    writeNumber(prediction.latencyMs());
    List<String> names = prediction.vectorNames();
    if (!names.isEmpty()) {
      out.writeLong(names.size());
      for (int i = 0; i < names.size(); i++) {
        out.writeString(names.get(i), "vector");
        writeNumber(prediction.vector()[i]);
      }
    }
    out.writeLong(0); // An Avro map ends with an empty block.
    out.writeString(prediction.causeTopic(), "cause_topic");
    out.writeLong(prediction.causePartition());
    out.writeLong(prediction.causeOffset());
    return out.toByteArray();
  }

  private void writeNumber(double value) {
    boolean missing = Double.isNaN(value);
    out.writeLong(missing ? 0 : 1);
    if (!missing) {
      out.writeDouble(value);
    }
  }

  @Override
  public Prediction decode(byte[] record) throws UndecodableRecordException {
    RecordFormat.requireBounded(record);
    in.reset(record);
    String questionId = in.readString("question_id");
    String model = in.readString("model");
    String modelVersion = in.readString("model_version");
    String definitionVersion = in.readString("definition_version");
    long eventTime = in.readLong("event_time");
    if (!Timestamps.isInRange(eventTime)) {
      throw new UndecodableRecordException(
          "column event_time is " + eventTime + " ms, outside the years 1 to 9999");
    }
    double score = readNumber("score");
    Prediction.Outcome outcome = OUTCOMES[in.readIndex(OUTCOMES.length, "outcome")];
    String reason = in.readIndex(2, "reason") == 0 ? null : in.readString("reason");
    double latencyMs = readNumber("latency_ms");
    readVector();
    Prediction prediction =
        new Prediction(
            questionId,
            model,
            modelVersion,
            definitionVersion,
            eventTime,
            score,
            outcome,
            reason,
            latencyMs,
            vector.names(),
            vector.values(),
            in.readString("cause_topic"),
            in.readInt("cause_partition"),
            in.readLong("cause_offset"));
    in.requireEnd();
    return prediction;
  }

  private void readVector() throws UndecodableRecordException {
    vector.start();
    for (long block = in.readLong("vector"); block != 0; block = in.readLong("vector")) {
      if (block < 0) {
        in.readLong("vector"); // A negative count is followed by the block's size in bytes.
      }
      // An entry has at least two bytes, so a false count ends at the end of the record.
      for (long left = Math.abs(block); left != 0; left--) {
        vector.add(in.readString("vector"), readNumber("vector"));
      }
    }
  }

  private double readNumber(String field) throws UndecodableRecordException {
    return in.readIndex(2, field) == 0 ? Double.NaN : in.readDouble(field);
  }
}

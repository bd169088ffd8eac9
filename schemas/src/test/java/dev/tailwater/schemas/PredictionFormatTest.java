package dev.tailwater.schemas;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.DecoderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class PredictionFormatTest {

  private static final Prediction SCORED =
      new Prediction(
          "t-1",
          "fraud",
          "3",
          "0123456789ab",
          1522540831000L,
          0.25,
          Prediction.Outcome.SCORED,
          null,
          7.5,
          List.of("amount", "ratio", "n"),
          new double[] {57.16, Double.NaN, Double.POSITIVE_INFINITY},
          "transactions",
          2,
          41);

  private static final Prediction REJECTED =
      new Prediction(
          "t-2",
          "fraud",
          "",
          "0123456789ab",
          0,
          Double.NaN,
          Prediction.Outcome.REJECTED,
          "too old",
          Double.NaN,
          List.of(),
          new double[0],
          "transactions",
          0,
          0);

  static Stream<Arguments> formatsAndSeeds() {
    return Stream.of(PredictionFormat.values())
        .flatMap(format -> Stream.of(1L, 2L).map(seed -> Arguments.of(format, seed)));
  }

  @ParameterizedTest
  @EnumSource
  void readsBackWhatItWrites(PredictionFormat format) throws Exception {
    PredictionFormat.Encoder encoder = format.encoder();
    PredictionFormat.Decoder decoder = format.decoder();
    for (Prediction prediction : List.of(SCORED, REJECTED, SCORED, SCORED)) {
      assertThat(decoder.decode(encoder.encode(prediction))).isEqualTo(prediction);
    }
  }

  @ParameterizedTest
  @EnumSource
  void neighboursShareTheirNames(PredictionFormat format) throws Exception {
    PredictionFormat.Decoder decoder = format.decoder();
    byte[] bytes = format.encoder().encode(SCORED);
    assertThat(decoder.decode(bytes).vectorNames()).isSameAs(decoder.decode(bytes).vectorNames());
  }

  @ParameterizedTest(name = "{0}, seed {1}")
  @MethodSource("formatsAndSeeds")
  void readsBackVectorsOfChangingNames(PredictionFormat format, long seed) throws Exception {
    Random random = new Random(seed);
    PredictionFormat.Encoder encoder = format.encoder();
    PredictionFormat.Decoder decoder = format.decoder();
    for (int i = 0; i < 500; i++) {
      List<String> names = new ArrayList<>();
      for (int n = random.nextInt(40); n > 0; n--) {
        names.add("f" + (random.nextInt(20) == 0 ? 100 + n : n));
      }
      double[] vector = names.stream().mapToDouble(n -> random.nextGaussian()).toArray();
      Prediction prediction =
          new Prediction(
              "q" + i,
              "m",
              "1",
              "d" + i,
              i,
              random.nextDouble(),
              Prediction.Outcome.FALLBACK,
              "slow",
              i,
              names,
              vector,
              "topic",
              1,
              i);
      assertThat(decoder.decode(encoder.encode(prediction))).isEqualTo(prediction);
    }
  }

  @ParameterizedTest(name = "{0}, seed {1}")
  @MethodSource("formatsAndSeeds")
  void answersDamagedBytesWithAPredictionOrAReason(PredictionFormat format, long seed) {
    Random random = new Random(seed);
    PredictionFormat.Encoder encoder = format.encoder();
    PredictionFormat.Decoder decoder = format.decoder();
    for (int i = 0; i < 5_000; i++) {
      byte[] damaged = Damage.of(encoder.encode(i % 2 == 0 ? SCORED : REJECTED), random);
      try {
        encoder.encode(decoder.decode(damaged)); // Whatever is accepted can be written again.
      } catch (UndecodableRecordException e) {
        assertThat(e.getMessage()).isNotBlank();
      }
    }
  }

  @Test
  void theJsonIsReadable() {
    assertThat(new String(PredictionFormat.JSON.encoder().encode(SCORED), StandardCharsets.UTF_8))
        .isEqualTo(
            "{\"question_id\":\"t-1\",\"model\":\"fraud\",\"model_version\":\"3\","
                + "\"definition_version\":\"0123456789ab\","
                + "\"event_time\":\"2018-04-01T00:00:31.000Z\",\"score\":0.25,\"outcome\":\"SCORED\","
                + "\"reason\":null,\"latency_ms\":7.5,"
                + "\"vector\":{\"amount\":57.16,\"ratio\":null,\"n\":\"Infinity\"},"
                + "\"cause_topic\":\"transactions\",\"cause_partition\":2,\"cause_offset\":41}");
  }

  @Test
  void theAvroKeepsItsContract() throws Exception {
    Schema contract = new Schema.Parser().parse(PredictionFormat.avroContract());
    byte[] bytes = PredictionFormat.AVRO.encoder().encode(SCORED);
    GenericRecord record =
        new GenericDatumReader<GenericRecord>(contract)
            .read(null, DecoderFactory.get().binaryDecoder(bytes, null));

    assertThat(record.toString())
        .contains("\"question_id\": \"t-1\"", "\"outcome\": \"SCORED\"", "\"cause_offset\": 41");
    assertThat((Map<?, ?>) record.get("vector")).hasSize(3);
  }

  @ParameterizedTest
  @EnumSource
  void refusesAVectorWithTwoValuesOfOneFeature(PredictionFormat format) {
    Prediction twice =
        new Prediction(
            "q",
            "m",
            "1",
            "d",
            0,
            1,
            Prediction.Outcome.SCORED,
            null,
            1,
            List.of("a", "a"),
            new double[2],
            "t",
            0,
            0);
    byte[] bytes = format.encoder().encode(twice);
    assertThatThrownBy(() -> format.decoder().decode(bytes))
        .isInstanceOf(UndecodableRecordException.class)
        .hasMessageContaining("twice");
  }
}

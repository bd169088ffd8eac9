package dev.tailwater.schemas;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Random;
import java.util.stream.Stream;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class RecordFormatPropertyTest {

  private static final int ROWS = 1_000;
  private static final Schema AVRO = new Schema.Parser().parse(RandomRows.SCHEMA.avro());

  static Stream<Arguments> formatsAndSeeds() {
    return Stream.of(RecordFormat.values())
        .flatMap(format -> Stream.of(1L, 2L, 3L).map(seed -> Arguments.of(format, seed)));
  }

  @ParameterizedTest(name = "{0}, seed {1}")
  @MethodSource("formatsAndSeeds")
  void readsBackEveryRowItWrites(RecordFormat format, long seed) throws Exception {
    RandomRows rows = new RandomRows(seed);
    RecordEncoder encoder = format.encoder(RandomRows.SCHEMA);
    RecordDecoder decoder = format.decoder(RandomRows.SCHEMA);
    for (int i = 0; i < ROWS; i++) {
      @Nullable Object[] row = rows.next();
      assertThat(decoder.decode(encoder.encode(row))).isEqualTo(row);
    }
  }

  @ParameterizedTest(name = "{0}, seed {1}")
  @MethodSource("formatsAndSeeds")
  void answersDamagedBytesWithARecordOrAReason(RecordFormat format, long seed) {
    Random random = new Random(seed);
    RandomRows rows = new RandomRows(seed);
    RecordEncoder encoder = format.encoder(RandomRows.SCHEMA);
    RecordDecoder decoder = format.decoder(RandomRows.SCHEMA);
    for (int i = 0; i < 5 * ROWS; i++) {
      byte[] damaged = Damage.of(encoder.encode(rows.next()), random);
      try {
        @Nullable Object[] values = decoder.decode(damaged);
        encoder.encode(values); // Whatever is accepted keeps the schema.
      } catch (UndecodableRecordException e) {
        assertThat(e.getMessage()).isNotBlank();
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void readsNothingIntoNothing(RecordFormat format) {
    RecordDecoder decoder = format.decoder(RandomRows.SCHEMA);

    assertThatThrownBy(() -> decoder.decode(new byte[0]))
        .isInstanceOf(UndecodableRecordException.class);
    assertThatThrownBy(() -> decoder.decode(new byte[(1 << 20) + 1]))
        .isInstanceOf(UndecodableRecordException.class)
        .hasMessageContaining("at most 1048576");
  }

  @ParameterizedTest(name = "seed {0}")
  @ValueSource(longs = {1, 2, 3})
  void writesAndReadsWhatAvroItselfDoes(long seed) throws Exception {
    RandomRows rows = new RandomRows(seed);
    RecordEncoder encoder = RecordFormat.AVRO.encoder(RandomRows.SCHEMA);
    RecordDecoder decoder = RecordFormat.AVRO.decoder(RandomRows.SCHEMA);
    GenericDatumReader<GenericRecord> reader = new GenericDatumReader<>(AVRO);
    for (int i = 0; i < ROWS; i++) {
      @Nullable Object[] row = rows.next();
      byte[] bytes = encoder.encode(row);
      GenericRecord record = reader.read(null, DecoderFactory.get().binaryDecoder(bytes, null));

      assertThat(String.valueOf(record.get("text"))).isEqualTo(String.valueOf(row[5]));
      assertThat(record.get("at")).isEqualTo(row[7]);
      assertThat(record.get("seen")).isEqualTo(row[8] == null ? null : (Long) row[8] * 1000);
      assertThat(written(record)).isEqualTo(bytes);
      assertThat(decoder.decode(written(record))).isEqualTo(row);
    }
  }

  private static byte[] written(GenericRecord record) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(bytes, null);
    new GenericDatumWriter<GenericRecord>(AVRO, new GenericData()).write(record, encoder);
    encoder.flush();
    return bytes.toByteArray();
  }
}

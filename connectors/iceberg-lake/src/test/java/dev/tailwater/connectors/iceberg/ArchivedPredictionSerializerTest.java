package dev.tailwater.connectors.iceberg;

import static org.assertj.core.api.Assertions.assertThat;

import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.junit.jupiter.api.Test;

class ArchivedPredictionSerializerTest {

  @Test
  void keepsEveryField() throws Exception {
    for (String reason : new String[] {null, "deadline"}) {
      ArchivedPrediction written =
          new ArchivedPrediction(Rows.prediction("q1", 0.1, reason), 3, 1L << 40, 5);

      DataOutputSerializer out = new DataOutputSerializer(64);
      ArchivedPredictionSerializer.INSTANCE.serialize(written, out);
      DataInputDeserializer in = new DataInputDeserializer(out.getCopyOfBuffer());

      assertThat(ArchivedPredictionSerializer.INSTANCE.deserialize(in)).isEqualTo(written);
      assertThat(in.available()).isZero();
    }
  }
}

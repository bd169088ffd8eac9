package dev.tailwater.connectors.files;

import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.UndecodableRecordException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.conf.ParquetConfiguration;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.api.WriteSupport;
import org.apache.parquet.io.api.RecordConsumer;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.Type;
import org.jspecify.annotations.Nullable;

/** A training set as Parquet, compressed with Snappy. */
final class ParquetTrainingSet implements TrainingSetFile {

  /** A row on its way to the file: the spine stands at it while it is written. */
  private record Row(SpineReading spine, @Nullable Object[] features) {}

  private final ParquetWriter<Row> out;
  private boolean closed;

  ParquetTrainingSet(Path unfinished, SpineReading spine, List<Column> features)
      throws IOException {
    List<Type> spineFields = spine.parquetFields();
    List<Type> fields = new ArrayList<>(spineFields);
    features.forEach(feature -> fields.add(ParquetFields.of(feature)));
    Rows rows =
        new Rows(
            new MessageType("training_set", fields),
            spineFields.size(),
            features.toArray(Column[]::new));
    out = ParquetOutput.open(unfinished, rows);
  }

  @Override
  public void write(SpineReading spine, @Nullable Object[] features) throws IOException {
    out.write(new Row(spine, features));
  }

  @Override
  public void close() throws IOException {
    if (!closed) {
      closed = true;
      out.close();
    }
  }

  /** Takes rows apart into fields. */
  private static final class Rows extends WriteSupport<Row> {

    private final MessageType schema;
    private final int spineFields;
    private final Column[] features;
    private @Nullable RecordConsumer consumer;

    Rows(MessageType schema, int spineFields, Column[] features) {
      this.schema = schema;
      this.spineFields = spineFields;
      this.features = features;
    }

    @Override
    public WriteContext init(Configuration configuration) {
      return new WriteContext(schema, Map.of());
    }

    @Override
    public WriteContext init(ParquetConfiguration configuration) {
      return new WriteContext(schema, Map.of());
    }

    @Override
    public void prepareForWrite(RecordConsumer recordConsumer) {
      consumer = recordConsumer;
    }

    @Override
    public void write(Row row) {
      RecordConsumer into = consumer;
      if (into == null) {
        throw new IllegalStateException("a row came before the file was prepared");
      }
      into.startMessage();
      try {
        row.spine().writeParquetRow(into);
      } catch (UndecodableRecordException e) {
        throw new IllegalStateException(
            "the spine changed while the training set was written: " + e.getMessage(), e);
      }
      for (int i = 0; i < features.length; i++) {
        Column feature = features[i];
        ParquetFields.write(
            into, feature.name(), spineFields + i, feature.type(), row.features()[i]);
      }
      into.endMessage();
    }
  }
}

package dev.tailwater.connectors.files;

import dev.tailwater.schemas.Column;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.conf.ParquetConfiguration;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.api.WriteSupport;
import org.apache.parquet.io.api.RecordConsumer;
import org.apache.parquet.schema.MessageType;
import org.jspecify.annotations.Nullable;

/**
 * Writes rows to a Parquet file that {@link SpineFile} reads. The file is complete once closed. Not
 * thread-safe.
 */
public final class SpineWriter implements Closeable {

  private final ParquetWriter<@Nullable Object[]> out;
  private boolean closed;

  private SpineWriter(ParquetWriter<@Nullable Object[]> out) {
    this.out = out;
  }

  /** Starts the file, replacing what is there. */
  public static SpineWriter open(Path file, List<Column> columns) throws IOException {
    return new SpineWriter(ParquetOutput.open(file, new Rows(columns)));
  }

  /** Writes the next row, one value per column. */
  public void write(@Nullable Object[] values) throws IOException {
    out.write(values);
  }

  @Override
  public void close() throws IOException {
    if (!closed) {
      closed = true;
      out.close();
    }
  }

  private static final class Rows extends WriteSupport<@Nullable Object[]> {

    private final List<Column> columns;
    private @Nullable RecordConsumer consumer;

    Rows(List<Column> columns) {
      this.columns = columns;
    }

    @Override
    public WriteContext init(Configuration configuration) {
      return context();
    }

    @Override
    public WriteContext init(ParquetConfiguration configuration) {
      return context();
    }

    private WriteContext context() {
      return new WriteContext(
          new MessageType("spine", columns.stream().map(ParquetFields::of).toList()), Map.of());
    }

    @Override
    public void prepareForWrite(RecordConsumer recordConsumer) {
      consumer = recordConsumer;
    }

    @Override
    public void write(@Nullable Object[] values) {
      RecordConsumer into = consumer;
      if (into == null) {
        throw new IllegalStateException("a row came before the file was prepared");
      }
      into.startMessage();
      ParquetFields.writeAll(into, columns, values);
      into.endMessage();
    }
  }
}

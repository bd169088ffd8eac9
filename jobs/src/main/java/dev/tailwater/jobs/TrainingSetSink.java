package dev.tailwater.jobs;

import dev.tailwater.connectors.files.SpineFile;
import dev.tailwater.connectors.files.TrainingSetWriter;
import dev.tailwater.schemas.Column;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.WriterInitContext;

/**
 * Writes a training set from rows that come in spine order, to a file that appears whole at the end
 * of input or not at all. One subtask.
 */
final class TrainingSetSink implements Sink<TrainingSetRow> {

  private final String spine;
  private final List<Column> keys;
  private final String out;
  private final List<Column> features;

  TrainingSetSink(Path spine, List<Column> keys, Path out, List<Column> features) {
    this.spine = spine.toString();
    this.keys = List.copyOf(keys);
    this.out = out.toString();
    this.features = List.copyOf(features);
  }

  @Override
  public SinkWriter<TrainingSetRow> createWriter(WriterInitContext context) throws IOException {
    SpineFile rows = SpineFile.open(Path.of(spine), keys);
    return new Writer(TrainingSetWriter.open(rows, Path.of(out), features));
  }

  private record Writer(TrainingSetWriter file) implements SinkWriter<TrainingSetRow> {

    @Override
    public void write(TrainingSetRow row, Context context) throws IOException {
      file.write(row.row(), row.features());
    }

    @Override
    public void flush(boolean endOfInput) throws IOException {
      if (endOfInput) {
        file.finish();
      }
    }

    @Override
    public void close() throws IOException {
      file.close();
    }
  }
}

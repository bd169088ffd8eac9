package dev.tailwater.connectors.files;

import dev.tailwater.schemas.Column;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.zip.GZIPOutputStream;
import org.jspecify.annotations.Nullable;

/** A training set as CSV, each line ended by LF. */
final class CsvTrainingSet implements TrainingSetFile {

  private static final int BUFFER_BYTES = 64 << 10;

  private final OutputStream out;
  private final Column[] features;
  private final StringBuilder line = new StringBuilder();

  CsvTrainingSet(Path unfinished, Path target, SpineReading spine, List<Column> features)
      throws IOException {
    this.features = features.toArray(Column[]::new);
    byte[] header = spine.csvHeader();
    OutputStream file = Files.newOutputStream(unfinished);
    boolean gzip = target.toString().toLowerCase(Locale.ROOT).endsWith(".gz");
    out =
        new BufferedOutputStream(
            gzip ? new GZIPOutputStream(file, BUFFER_BYTES) : file, BUFFER_BYTES);
    for (Column feature : features) {
      line.append(',');
      CsvText.appendText(line, feature.name());
    }
    write(header);
  }

  @Override
  public void write(SpineReading spine, @Nullable Object[] values) throws IOException {
    for (int i = 0; i < features.length; i++) {
      CsvText.append(line.append(','), values[i], features[i].type());
    }
    write(spine.csvRow());
  }

  /** Writes the spine's part of the line, then what was gathered behind it. */
  private void write(byte[] spinePart) throws IOException {
    out.write(spinePart);
    out.write(line.append('\n').toString().getBytes(StandardCharsets.UTF_8));
    line.setLength(0);
  }

  @Override
  public void close() throws IOException {
    out.close();
  }
}

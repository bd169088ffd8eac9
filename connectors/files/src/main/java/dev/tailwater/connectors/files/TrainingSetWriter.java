package dev.tailwater.connectors.files;

import dev.tailwater.schemas.Column;
import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Writes a training set: each row of the spine, all its columns as they were written, followed by
 * the row's features. CSV ({@code .csv}, {@code .csv.gz}) or Parquet ({@code .parquet}), by the
 * ending of the target, whatever the spine is.
 *
 * <p>In CSV a double is written so that it reads back exactly, NULL is an empty field, a timestamp
 * ISO-8601. A CSV spine's columns become, in Parquet, the narrowest of LONG, DOUBLE, BOOLEAN and
 * text that keeps every value; keys and event time have their declared types.
 *
 * <p>Rows go to a hidden file beside the target, which replaces the target only in {@link #finish}:
 * there is never a partial training set. Broken rows of the spine are left out. Not thread-safe.
 */
public final class TrainingSetWriter implements Closeable {

  private static final String PARQUET = ".parquet";
  private static final List<String> ENDINGS = List.of(".csv", ".csv.gz", PARQUET);

  private final Path target;
  private final Path unfinished;
  private final int featureCount;
  private final SpineRows spine;
  private final TrainingSetFile file;

  private long written;

  private TrainingSetWriter(
      Path target, Path unfinished, int featureCount, SpineRows spine, TrainingSetFile file) {
    this.target = target;
    this.unfinished = unfinished;
    this.featureCount = featureCount;
    this.spine = spine;
    this.file = file;
  }

  /**
   * Opens the spine again and starts the output.
   *
   * @param features names and types of the values given to {@link #write}, in its order
   * @throws IllegalArgumentException if the target's ending is unknown, its folder is missing, a
   *     feature has the name of a spine column, or CSV cannot hold a Parquet spine's column
   * @throws IOException if the spine cannot be read or the output not be written
   */
  public static TrainingSetWriter open(SpineFile spine, Path target, List<Column> features)
      throws IOException {
    boolean parquet = LocalFiles.requireEnding(target, ENDINGS).equals(PARQUET);
    Path folder = target.toAbsolutePath().getParent();
    if (folder == null || !Files.isDirectory(folder)) {
      throw new IllegalArgumentException(
          target + ": the folder " + folder + " does not exist; create it first");
    }
    List<String> taken =
        features.stream().map(Column::name).filter(spine.columnNames()::contains).toList();
    if (!taken.isEmpty()) {
      throw new IllegalArgumentException(
          spine.path()
              + ": the columns "
              + taken
              + " have the names of features; rename them in the spine");
    }
    Path unfinished = folder.resolve("." + target.getFileName() + ".unfinished");
    SpineRows rows = spine.rows();
    try {
      TrainingSetFile file =
          parquet
              ? new ParquetTrainingSet(unfinished, rows.reading(), features)
              : new CsvTrainingSet(unfinished, target, rows.reading(), features);
      return new TrainingSetWriter(target, unfinished, features.size(), rows, file);
    } catch (IOException | RuntimeException e) {
      rows.close();
      Files.deleteIfExists(unfinished);
      throw e;
    }
  }

  /**
   * Writes the next row of the spine with its features.
   *
   * @param row the number of the spine row, as its source emitted it
   * @param features one value per feature, in order
   * @throws IllegalStateException if the row is not the next readable one of the spine: one is
   *     missing, came twice, or out of order
   */
  public void write(long row, @Nullable Object[] features) throws IOException {
    if (features.length != featureCount) {
      throw new IllegalArgumentException(
          "row " + row + " has " + features.length + " features, but " + featureCount + " are due");
    }
    spine.advanceTo(row);
    file.write(spine.reading(), features);
    written++;
  }

  /**
   * Completes the training set and puts it in the target's place, replacing an older one.
   *
   * @return the number of rows
   * @throws IllegalStateException if a row of the spine got no features
   */
  public long finish() throws IOException {
    spine.requireEnd();
    file.close();
    try (FileChannel channel = FileChannel.open(unfinished, StandardOpenOption.WRITE)) {
      channel.force(true);
    }
    Files.move(
        unfinished, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    return written;
  }

  /** Rows of the spine met so far that could not be read, and are left out. */
  public long rejectedRows() {
    return spine.rejectedRows();
  }

  /** Ends writing; without {@link #finish} before, nothing is left. */
  @Override
  public void close() throws IOException {
    try (spine) {
      file.close();
    } finally {
      Files.deleteIfExists(unfinished);
    }
  }
}

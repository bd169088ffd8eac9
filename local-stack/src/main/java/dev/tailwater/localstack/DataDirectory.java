package dev.tailwater.localstack;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/**
 * The folder of one server's data, locked for as long as the server may run: two servers on the
 * same files would destroy them. The lock ends with this JVM, however it ends.
 */
final class DataDirectory implements AutoCloseable {

  private static final long LARGEST_LOG_BYTES = 10L << 20;

  private final Path path;
  private final FileChannel lockFile;

  private DataDirectory(Path path, FileChannel lockFile) {
    this.path = path;
    this.lockFile = lockFile;
  }

  static DataDirectory open(Path directory, String server) throws IOException {
    Path path = Files.createDirectories(directory.toAbsolutePath()).toRealPath();
    FileChannel file =
        FileChannel.open(
            path.resolve("in-use.lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    try {
      if (lock(file) == null) {
        throw new ServerStartException(
            "the data folder %s is in use by another %s: stop that one, or choose another folder"
                .formatted(path, server));
      }
      return new DataDirectory(path, file);
    } catch (IOException e) {
      file.close();
      throw e;
    }
  }

  private static @Nullable FileLock lock(FileChannel file) throws IOException {
    try {
      return file.tryLock();
    } catch (OverlappingFileLockException heldByThisJvm) {
      return null;
    }
  }

  Path path() {
    return path;
  }

  Path resolve(String name) {
    return path.resolve(name);
  }

  /**
   * The log file with this name; a large one of earlier runs is put aside, so that it stays small.
   */
  Path logFile(String name) throws IOException {
    Path file = path.resolve(name);
    if (Files.exists(file) && Files.size(file) > LARGEST_LOG_BYTES) {
      Files.move(file, path.resolve(name + ".1"), StandardCopyOption.REPLACE_EXISTING);
    }
    return file;
  }

  @Override
  public void close() throws IOException {
    lockFile.close();
  }
}

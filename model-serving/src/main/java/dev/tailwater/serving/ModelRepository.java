package dev.tailwater.serving;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Model files in a directory:
 *
 * <pre>
 * &lt;directory&gt;/&lt;model&gt;/&lt;version&gt;/model.onnx
 * &lt;directory&gt;/&lt;model&gt;/&lt;version&gt;/metadata.json
 * &lt;directory&gt;/&lt;model&gt;/champion.json
 * </pre>
 *
 * A version appears complete or not at all, and never changes. Several threads and processes may
 * use one directory on a local file system. Every failure names the file and the next step.
 */
public final class ModelRepository {
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9_-]{0,99}");
  private static final Pattern VERSION = Pattern.compile("[1-9][0-9]{0,8}");
  private static final String MODEL_FILE = "model.onnx";
  private static final String METADATA_FILE = "metadata.json";
  private static final String CHAMPION_FILE = "champion.json";

  /** Prefix of what is not complete yet; no model and no version has such a name. */
  private static final String INCOMPLETE = ".incomplete-";

  private static final int MAX_JSON_BYTES = 4 << 20;

  private final Path directory;
  private final OnnxModels models;

  private ModelRepository(Path directory, OnnxModels models) {
    this.directory = directory;
    this.models = models;
  }

  /**
   * Opens a directory, creating it if it is missing.
   *
   * @throws ModelRepositoryException if it cannot be created
   */
  public static ModelRepository open(Path directory) throws ModelRepositoryException {
    return open(directory, OnnxModels.shared());
  }

  /** As {@link #open(Path)}, loading models through the given cache. */
  public static ModelRepository open(Path directory, OnnxModels models)
      throws ModelRepositoryException {
    try {
      Files.createDirectories(directory);
    } catch (IOException e) {
      throw new ModelRepositoryException(
          "%s: cannot be used as the model directory: %s. Name a directory that can be written."
              .formatted(directory, e),
          e);
    }
    return new ModelRepository(directory, models);
  }

  /**
   * Checks a model by loading and scoring it, and stores it as the next version. The first version
   * is not the champion until it is promoted.
   *
   * @throws InvalidModelException if the model cannot be served
   * @throws ModelRepositoryException if it cannot be written
   * @throws IllegalArgumentException if the name is not a model name
   */
  public ModelVersion register(String model, byte[] onnx, ModelMetadata metadata)
      throws InvalidModelException, ModelRepositoryException {
    Path home = home(model);
    String sha256;
    try (OnnxModel loaded = models.load(onnx, metadata.inputNames().size())) {
      sha256 = loaded.sha256();
    } catch (InvalidModelException e) {
      throw new InvalidModelException("model '%s': %s".formatted(model, e.getMessage()), e);
    }
    Path incomplete = home.resolve(INCOMPLETE + UUID.randomUUID());
    try {
      Files.createDirectories(incomplete);
      try {
        writeSynced(incomplete.resolve(MODEL_FILE), onnx);
        return claimVersion(
            home, incomplete, new ModelVersion(model, 1, sha256, onnx.length, metadata));
      } finally {
        deleteFiles(incomplete);
      }
    } catch (IOException e) {
      throw new ModelRepositoryException(
          "%s: a version of model '%s' cannot be written: %s. Check the disk and its permissions, then register again."
              .formatted(incomplete, model, e),
          e);
    }
  }

  /**
   * Makes a version the one whose score is served.
   *
   * @throws ModelRepositoryException if there is no such version, or it cannot be written
   */
  public void promote(String model, int version) throws ModelRepositoryException {
    Path home = home(model);
    ModelVersion unusedProof = version(model, version);
    Path incomplete = home.resolve(INCOMPLETE + UUID.randomUUID());
    Path champion = home.resolve(CHAMPION_FILE);
    try {
      try {
        writeSynced(incomplete, MetadataFile.writeChampion(version));
        Files.move(incomplete, champion, StandardCopyOption.ATOMIC_MOVE);
        sync(home);
      } finally {
        Files.deleteIfExists(incomplete);
      }
    } catch (IOException e) {
      throw new ModelRepositoryException(
          "%s: cannot be written: %s. Check the disk and its permissions, then promote again."
              .formatted(champion, e),
          e);
    }
  }

  /** The promoted version; empty if none was promoted or the model is unknown. */
  public Optional<ModelVersion> champion(String model) throws ModelRepositoryException {
    Path file = home(model).resolve(CHAMPION_FILE);
    int version;
    try {
      version = MetadataFile.readChampion(readSmall(file));
    } catch (NoSuchFileException e) {
      return Optional.empty();
    } catch (IOException e) {
      throw new ModelRepositoryException(
          "%s: cannot be read: %s. Promote a version of '%s' again to replace it."
              .formatted(file, e.getMessage(), model),
          e);
    }
    return Optional.of(version(model, version));
  }

  /** All versions, oldest first; empty if the model is unknown. */
  public List<ModelVersion> versions(String model) throws ModelRepositoryException {
    List<ModelVersion> versions = new ArrayList<>();
    for (int number : versionNumbers(home(model))) {
      versions.add(version(model, number));
    }
    return versions;
  }

  /**
   * @throws ModelRepositoryException if there is no such version, or its files are damaged
   */
  public ModelVersion version(String model, int version) throws ModelRepositoryException {
    Path file = home(model).resolve(Integer.toString(version)).resolve(METADATA_FILE);
    try {
      ModelVersion read = MetadataFile.read(readSmall(file));
      if (!read.model().equals(model) || read.version() != version) {
        throw new IOException(
            "it describes %s, not %s@%d".formatted(read.reference(), model, version));
      }
      return read;
    } catch (NoSuchFileException e) {
      throw new ModelRepositoryException(
          "%s: model '%s' has no version %d; it has %s. Name one of them, or register a model first."
              .formatted(file, model, version, versionNumbers(home(model))),
          e);
    } catch (IOException e) {
      throw new ModelRepositoryException(
          "%s: cannot be read: %s. Delete the version's directory and register the model again."
              .formatted(file, e.getMessage()),
          e);
    }
  }

  /**
   * The model file's bytes, checked against the SHA-256 of its registration.
   *
   * @throws ModelRepositoryException if they cannot be read or were changed
   */
  public byte[] onnx(ModelVersion version) throws ModelRepositoryException {
    Path file =
        home(version.model()).resolve(Integer.toString(version.version())).resolve(MODEL_FILE);
    byte[] bytes;
    try {
      long size = Files.size(file);
      if (size != version.sizeBytes()) {
        throw new IOException(
            "it has %,d bytes, %,d were registered".formatted(size, version.sizeBytes()));
      }
      bytes = Files.readAllBytes(file);
      if (!OnnxModels.sha256(bytes).equals(version.sha256())) {
        throw new IOException("its SHA-256 is not the registered one");
      }
    } catch (IOException e) {
      throw new ModelRepositoryException(
          "%s: the file of %s cannot be served: %s. Promote another version, or register the model again."
              .formatted(file, version.reference(), e.getMessage()),
          e);
    }
    return bytes;
  }

  /**
   * Loads a version for scoring.
   *
   * @return a hold on the model, to be closed
   */
  public OnnxModel load(ModelVersion version)
      throws ModelRepositoryException, InvalidModelException {
    return models.load(onnx(version), version.metadata().inputNames().size());
  }

  private Path home(String model) {
    if (!NAME.matcher(model).matches()) {
      throw new IllegalArgumentException(
          "model name '%s' cannot be used: a name has 1 to 100 letters, digits, '_' and '-', and does not start with '-'"
              .formatted(model));
    }
    return directory.resolve(model);
  }

  /** Renaming a directory onto one that has files fails, so each number is given once. */
  private static ModelVersion claimVersion(Path home, Path incomplete, ModelVersion first)
      throws IOException {
    ModelVersion version = first;
    while (true) {
      List<Integer> taken = versionNumbers(home);
      int next = taken.isEmpty() ? 1 : taken.get(taken.size() - 1) + 1;
      version =
          new ModelVersion(
              version.model(), next, version.sha256(), version.sizeBytes(), version.metadata());
      writeSynced(incomplete.resolve(METADATA_FILE), MetadataFile.write(version));
      Path target = home.resolve(Integer.toString(next));
      try {
        Files.move(incomplete, target, StandardCopyOption.ATOMIC_MOVE);
      } catch (FileSystemException e) {
        if (Files.exists(target)) {
          continue; // another registration took the number
        }
        throw e;
      }
      sync(home);
      return version;
    }
  }

  private static List<Integer> versionNumbers(Path home) throws ModelRepositoryException {
    try (Stream<Path> files = Files.list(home)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> VERSION.matcher(name).matches())
          .map(Integer::valueOf)
          .sorted(Comparator.naturalOrder())
          .toList();
    } catch (NoSuchFileException e) {
      return List.of();
    } catch (IOException e) {
      throw new ModelRepositoryException(
          "%s: cannot be listed: %s. Check its permissions.".formatted(home, e), e);
    }
  }

  private static byte[] readSmall(Path file) throws IOException {
    long size = Files.size(file);
    if (size > MAX_JSON_BYTES) {
      throw new IOException("it has %,d bytes, the limit is %,d".formatted(size, MAX_JSON_BYTES));
    }
    return Files.readAllBytes(file);
  }

  private static void writeSynced(Path file, byte[] content) throws IOException {
    try (FileChannel channel =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE,
            StandardOpenOption.WRITE,
            StandardOpenOption.TRUNCATE_EXISTING)) {
      ByteBuffer bytes = ByteBuffer.wrap(content);
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
      channel.force(true);
    }
  }

  /** A rename survives a power cut once its directory is on disk. */
  private static void sync(Path directory) throws IOException {
    try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  private static void deleteFiles(Path incomplete) throws IOException {
    if (Files.exists(incomplete)) {
      try (DirectoryStream<Path> files = Files.newDirectoryStream(incomplete)) {
        for (Path file : files) {
          Files.delete(file);
        }
      }
      Files.delete(incomplete);
    }
  }
}

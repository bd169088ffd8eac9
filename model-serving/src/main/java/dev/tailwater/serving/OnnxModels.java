package dev.tailwater.serving;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The sessions of this process: one per model file (by SHA-256) and input length, however many
 * tasks use it, released when the last of them closes it. Thread-safe.
 */
public final class OnnxModels {
  /** The default size limit of a model file, in bytes. */
  public static final long DEFAULT_MAX_BYTES = 512L << 20;

  private static final OnnxModels SHARED = new OnnxModels(DEFAULT_MAX_BYTES);

  private final long maxBytes;
  private final Map<Key, Entry> entries = new HashMap<>();

  /**
   * @param maxBytes size limit of a model file, in bytes
   */
  public OnnxModels(long maxBytes) {
    if (maxBytes < 1) {
      throw new IllegalArgumentException(
          "the size limit of a model must be at least 1 byte: " + maxBytes);
    }
    this.maxBytes = maxBytes;
  }

  /** The cache that {@link OnnxModel#load} uses. */
  public static OnnxModels shared() {
    return SHARED;
  }

  /**
   * Loads, checks and warms up a model, or takes another hold on it if it is loaded already.
   *
   * @param model the file's bytes; they are copied, not kept
   * @param inputLength values per row, at least 1
   * @return a hold on the model, to be closed
   * @throws InvalidModelException if the model cannot be served
   */
  public OnnxModel load(byte[] model, int inputLength) throws InvalidModelException {
    if (inputLength < 1) {
      throw new IllegalArgumentException(
          "a model needs at least 1 input, its vector has " + inputLength);
    }
    if (model.length > maxBytes) {
      throw new InvalidModelException(
          "the model has %,d bytes, the limit is %,d. Make the model smaller, or raise the limit."
              .formatted(model.length, maxBytes));
    }
    Key key = new Key(sha256(model), inputLength);
    Entry loaded = hold(key);
    if (loaded != null) {
      return new OnnxModel(this, loaded);
    }
    // Outside the lock: loading takes long, and others must be able to score and close meanwhile.
    OnnxFile.check(model);
    OnnxSession session = new OnnxSession(model, inputLength);
    Entry held;
    synchronized (this) {
      held = hold(key);
      if (held == null) {
        held = new Entry(key, session);
        entries.put(key, held);
        return new OnnxModel(this, held);
      }
    }
    session.close(); // another thread loaded the same model first
    return new OnnxModel(this, held);
  }

  /** Number of sessions that are open. */
  public synchronized int open() {
    return entries.size();
  }

  static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  synchronized void hold(Entry entry) {
    if (entry.holds == 0) {
      throw new IllegalStateException("the model %s is closed".formatted(entry.key.sha256()));
    }
    entry.holds++;
  }

  void release(Entry entry) {
    synchronized (this) {
      if (--entry.holds > 0) {
        return;
      }
      entries.remove(entry.key);
    }
    entry.session.close();
  }

  private synchronized @Nullable Entry hold(Key key) {
    Entry entry = entries.get(key);
    if (entry != null) {
      entry.holds++;
    }
    return entry;
  }

  record Key(String sha256, int inputLength) {}

  /** A session and the number of its users; {@code holds} is guarded by the cache. */
  static final class Entry {
    final Key key;
    final OnnxSession session;
    private int holds = 1;

    Entry(Key key, OnnxSession session) {
      this.key = key;
      this.session = session;
    }
  }
}

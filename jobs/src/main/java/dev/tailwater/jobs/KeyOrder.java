package dev.tailwater.jobs;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apache.flink.core.memory.MemorySegment;
import org.apache.flink.runtime.memory.AbstractPagedInputView;
import org.apache.flink.runtime.memory.AbstractPagedOutputView;
import org.apache.flink.util.function.ThrowingConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Puts a bounded input in order: all records of one key behind each other, those of a key by a
 * comparator whose first criterion is a time. Between keys there is no order.
 *
 * <p>Records are distributed by their keys' hash over partitions, as bytes, and read back one
 * partition at a time. So what is sorted at once lies together in memory, and records that come
 * nearly in the order of their time, as those of a log do, cost hardly more than being written and
 * read: a general sort of everything by (key, time) would compare each record twenty times with
 * others that are far away. (This is the partitioning phase of a Grace hash join; M. Kitsuregawa,
 * H. Tanaka, T. Moto-oka: Application of hash to data base machine and its architecture, 1983.)
 *
 * <p>When the pages are used up, partitions continue on disk. A partition that is too large to be
 * loaded is distributed again: by another hash, if all hashes are the same by key, and if it is a
 * single key by time. Not thread-safe.
 */
final class KeyOrder<T> implements AutoCloseable {

  /** Partitions are a power of two: as many as there is memory for, between these. */
  private static final int FEWEST_PARTITIONS = 8;

  private static final int MOST_PARTITIONS = 64;

  /** A partition that is distributed again is still there, and so is the one that it came from. */
  private static final int PAGES_OF_A_PARTITION = 4;

  /** Bytes of the records that are loaded at one time. */
  static final long LOADED_BYTES = 16 << 20;

  private final Packing<T> packing;
  private final PagePool pages;
  private final long loadedBytes;
  private final int level;

  /** What is told apart here, as many ways as there are partitions. */
  private final Distribution distribution;

  /** Whose partition is distributed here, if it was too large. */
  private final @Nullable KeyOrder<T> coarser;

  private final List<Partition> partitions = new ArrayList<>();
  private final LoadedRecords<T> loaded;

  private @Nullable ByteBuffer transfer;

  /** How records are distributed. */
  private sealed interface Distribution {}

  /** Keys by the hash that stands in front of their records. */
  private record ByHash() implements Distribution {}

  /** Keys of one hash, in the order in which they are found. */
  private record ByKey(Map<Object, Integer> places) implements Distribution {}

  /** A single key's records by time. */
  private record ByTime(long from, long to) implements Distribution {

    int partition(long time, int partitions) {
      // Of equal width; the span of two longs may not fit into a long.
      double share = ((double) time - from) / ((double) to - from + 1);
      return Math.min(partitions - 1, (int) (share * partitions));
    }
  }

  /**
   * Creates an order without records.
   *
   * @param loadedBytes of the records that may be loaded at one time
   */
  KeyOrder(Packing<T> packing, PagePool pages, long loadedBytes) {
    this(packing, pages, loadedBytes, 0, new ByHash(), null, new LoadedRecords<>(packing));
  }

  private KeyOrder(
      Packing<T> packing,
      PagePool pages,
      long loadedBytes,
      int level,
      Distribution distribution,
      @Nullable KeyOrder<T> coarser,
      LoadedRecords<T> loaded) {
    this.packing = packing;
    this.pages = pages;
    this.loadedBytes = loadedBytes;
    this.level = level;
    this.distribution = distribution;
    this.coarser = coarser;
    this.loaded = loaded;
    int most = Integer.highestOneBit(Math.max(1, pages.count() / PAGES_OF_A_PARTITION));
    int count = Math.max(FEWEST_PARTITIONS, Math.min(MOST_PARTITIONS, most));
    for (int i = 0; i < count; i++) {
      partitions.add(new Partition());
    }
  }

  /** Takes a record, which is copied. */
  void add(Packed record) throws IOException {
    int key = 0;
    int partition;
    if (distribution instanceof ByTime times) {
      partition = times.partition(record.time(), partitions.size());
    } else if (distribution instanceof ByKey keys) {
      Object found = packing.by().key(packing.unpack(record.bytes, 0));
      key = keys.places().computeIfAbsent(found, absent -> keys.places().size());
      partition = key & (partitions.size() - 1);
    } else {
      key = record.hash();
      partition = mixed(key) & (partitions.size() - 1);
    }
    partitions.get(partition).add(record, key);
  }

  private int mixed(int keyHash) {
    // The operator's subtask was chosen by this hash as well: it is mixed anew at each level.
    int hash = (keyHash + level) * 0x9e3779b9;
    hash ^= hash >>> 15;
    hash *= 0x85ebca6b;
    return hash ^ hash >>> 13;
  }

  /** Gives all records away, in order; there are none afterwards. */
  <E extends Exception> void drain(ThrowingConsumer<T, E> to) throws E, IOException {
    for (Partition partition : partitions) {
      partition.drain(to);
    }
  }

  /** Gives all pages and files back, and closes the pool. */
  @Override
  public void close() throws IOException {
    for (Partition partition : partitions) {
      partition.close();
    }
    if (coarser == null) {
      pages.close();
    }
  }

  /** An empty page on its way to a file or back: managed memory itself is not given away. */
  private ByteBuffer buffer() {
    ByteBuffer bytes = transfer;
    if (bytes == null) {
      bytes = coarser == null ? ByteBuffer.allocateDirect(pages.pageSize()) : coarser.buffer();
      transfer = bytes;
    }
    return bytes.clear();
  }

  private MemorySegment page() throws IOException {
    MemorySegment page = pages.take();
    if (page != null) {
      return page;
    }
    if (spillLargest()) {
      page = pages.take();
    }
    if (page == null) {
      throw new IOException(
          "A bounded run has too little memory to order its input, it needs at least "
              + ((long) PAGES_OF_A_PARTITION * FEWEST_PARTITIONS * pages.pageSize() >> 10)
              + " KiB a task; give tasks more managed memory (taskmanager.memory.managed.size)");
    }
    return page;
  }

  /** Moves the largest partition to disk; returns whether that freed anything. */
  private boolean spillLargest() throws IOException {
    Partition largest = partitions.get(0);
    for (Partition partition : partitions) {
      if (partition.full.size() > largest.full.size()) {
        largest = partition;
      }
    }
    if (largest.full.isEmpty()) {
      return coarser != null && coarser.spillLargest();
    }
    largest.spill();
    return true;
  }

  /** The records of some keys, or of some time of a key: on disk, then in full pages, then here. */
  private final class Partition {

    private final Deque<MemorySegment> full = new ArrayDeque<>();
    private @Nullable Pages written;
    private @Nullable FileChannel file;
    private @Nullable Path path;
    private int pagesOnDisk;
    private int records;
    private long bytes;
    private int firstKey;

    /** Whether all have one hash or, where that is known here, one key. */
    private boolean single = true;

    private long firstTime = Long.MAX_VALUE;
    private long lastTime = Long.MIN_VALUE;

    void add(Packed record, int key) throws IOException {
      Pages out = written;
      if (out == null) {
        out = new Pages(page());
        written = out;
        firstKey = key;
      }
      int length = record.length();
      out.write(record.bytes, 0, length);
      records++;
      bytes += length;
      single &= key == firstKey;
      long time = record.time();
      firstTime = Math.min(firstTime, time);
      lastTime = Math.max(lastTime, time);
    }

    void spill() throws IOException {
      FileChannel to = file;
      if (to == null) {
        Path created = pages.newFile();
        to =
            FileChannel.open(
                created,
                StandardOpenOption.CREATE_NEW,
                StandardOpenOption.READ,
                StandardOpenOption.WRITE);
        file = to;
        path = created;
      }
      while (!full.isEmpty()) {
        MemorySegment page = full.remove();
        ByteBuffer bytes = buffer();
        page.get(0, bytes, pages.pageSize());
        bytes.flip();
        while (bytes.hasRemaining()) {
          to.write(bytes);
        }
        pagesOnDisk++;
        pages.give(page);
      }
    }

    <E extends Exception> void drain(ThrowingConsumer<T, E> to) throws E, IOException {
      if (records == 0) {
        return;
      }
      boolean indivisible = single && !(distribution instanceof ByHash) && firstTime == lastTime;
      if (bytes <= loadedBytes || indivisible) {
        Reading reading = new Reading();
        loaded.load(reading, bytes, records);
        records = 0;
        reading.end();
        close();
        loaded.drain(to);
        return;
      }
      try (KeyOrder<T> finer =
          new KeyOrder<>(packing, pages, loadedBytes, level + 1, finer(), KeyOrder.this, loaded)) {
        Reading reading = new Reading();
        for (; records > 0; records--) {
          finer.add(Packed.Serializer.INSTANCE.deserialize(reading));
        }
        reading.end();
        close();
        finer.drain(to);
      }
    }

    private Distribution finer() {
      if (!single) {
        return distribution instanceof ByKey ? new ByKey(new HashMap<>()) : new ByHash();
      }
      return distribution instanceof ByHash
          ? new ByKey(new HashMap<>())
          : new ByTime(firstTime, lastTime);
    }

    void close() throws IOException {
      full.forEach(pages::give);
      full.clear();
      if (written != null) {
        pages.give(written.getCurrentSegment());
        written = null;
      }
      if (file != null && path != null) {
        file.close();
        Files.delete(path);
        file = null;
      }
    }

    /** Writes into pages. */
    private final class Pages extends AbstractPagedOutputView {

      Pages(MemorySegment first) {
        super(first, pages.pageSize(), 0);
      }

      @Override
      protected MemorySegment nextSegment(MemorySegment current, int used) throws IOException {
        full.add(current);
        return page();
      }
    }

    /** Reads what was written, and gives each page back when it is behind. */
    private final class Reading extends AbstractPagedInputView {

      private int pagesRead;

      Reading() throws IOException {
        super(0);
        doAdvance();
      }

      @Override
      protected MemorySegment nextSegment(@Nullable MemorySegment current) throws IOException {
        if (pagesRead < pagesOnDisk) {
          MemorySegment page = current == null ? page() : current;
          ByteBuffer bytes = buffer();
          long position = (long) pagesRead * pages.pageSize();
          FileChannel from = Objects.requireNonNull(file);
          while (bytes.hasRemaining()) {
            if (from.read(bytes, position + bytes.position()) < 0) {
              throw new EOFException(path + " ends before what was written to it");
            }
          }
          bytes.flip();
          page.put(0, bytes, pages.pageSize());
          pagesRead++;
          return page;
        }
        if (current != null) {
          pages.give(current);
        }
        MemorySegment next = full.poll();
        if (next == null) {
          Pages last = written;
          if (last == null) {
            throw new EOFException("all records were read");
          }
          next = last.getCurrentSegment();
          written = null;
        }
        return next;
      }

      /** Gives the page back that the last record was read from. */
      void end() {
        pages.give(getCurrentSegment());
      }

      @Override
      protected int getLimitForSegment(MemorySegment segment) {
        return pages.pageSize();
      }
    }
  }
}

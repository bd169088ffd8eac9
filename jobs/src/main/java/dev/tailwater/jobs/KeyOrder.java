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
import java.util.Comparator;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import java.util.function.ToLongFunction;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.core.memory.MemorySegment;
import org.apache.flink.runtime.memory.AbstractPagedInputView;
import org.apache.flink.runtime.memory.AbstractPagedOutputView;
import org.apache.flink.util.function.ThrowingConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Puts a bounded input in order: all records of one key behind each other, those of a key by a
 * comparator whose first criterion is a time. Between keys there is no order.
 *
 * <p>Records are distributed by their keys' hash over partitions, serialized, and read back one
 * partition at a time. So what is sorted at once lies together in memory, and records that come
 * nearly in the order of their time, as those of a log do, cost hardly more than being written and
 * read: a general sort of everything by (key, time) would compare each record twenty times with
 * others that are far away. (This is the partitioning phase of a Grace hash join; M. Kitsuregawa,
 * H. Tanaka, T. Moto-oka: Application of hash to data base machine and its architecture, 1983.)
 *
 * <p>When the pages are used up, partitions continue on disk. A partition that is too large to be
 * turned into objects is distributed again: by another hash, or if it is a single key by time. Not
 * thread-safe.
 */
final class KeyOrder<T> implements AutoCloseable {

  private static final int PARTITIONS = 64;

  /** Serialized bytes of the records that are objects at one time. */
  static final long LOADED_BYTES = 16 << 20;

  private final TypeSerializer<T> serializer;
  private final Function<T, Object> keyOf;
  private final ToLongFunction<T> timeOf;
  private final Comparator<T> order;
  private final PagePool pages;
  private final long loadedBytes;
  private final int level;

  /** The range of times to distribute a single key over, or null to distribute keys. */
  private final @Nullable TimeRange range;

  /** Whose partition is distributed here, if it was too large. */
  private final @Nullable KeyOrder<T> coarser;

  private final List<Partition> partitions = new ArrayList<>();

  private @Nullable ByteBuffer transfer;

  private record TimeRange(long from, long to) {

    int partition(long time) {
      // At most PARTITIONS of equal width; the span of two longs may not fit into a long.
      double share = ((double) time - from) / ((double) to - from + 1);
      return Math.min(PARTITIONS - 1, (int) (share * PARTITIONS));
    }
  }

  /**
   * Creates an order without records.
   *
   * @param timeOf the first criterion of {@code order}
   * @param loadedBytes serialized bytes of the records that may be objects at one time
   */
  KeyOrder(
      TypeSerializer<T> serializer,
      Function<T, Object> keyOf,
      ToLongFunction<T> timeOf,
      Comparator<T> order,
      PagePool pages,
      long loadedBytes) {
    this(serializer, keyOf, timeOf, order, pages, loadedBytes, 0, null, null);
  }

  private KeyOrder(
      TypeSerializer<T> serializer,
      Function<T, Object> keyOf,
      ToLongFunction<T> timeOf,
      Comparator<T> order,
      PagePool pages,
      long loadedBytes,
      int level,
      @Nullable TimeRange range,
      @Nullable KeyOrder<T> coarser) {
    this.serializer = serializer;
    this.keyOf = keyOf;
    this.timeOf = timeOf;
    this.order = order;
    this.pages = pages;
    this.loadedBytes = loadedBytes;
    this.level = level;
    this.range = range;
    this.coarser = coarser;
    for (int i = 0; i < PARTITIONS; i++) {
      partitions.add(new Partition());
    }
  }

  /** Takes a record. */
  void add(T record) throws IOException {
    Object key = keyOf.apply(record);
    long time = timeOf.applyAsLong(record);
    int partition = range == null ? partition(key) : range.partition(time);
    partitions.get(partition).add(record, key, time);
  }

  private int partition(Object key) {
    // The operator's subtask was chosen by this hash as well: it is mixed anew at each level.
    int hash = (key.hashCode() + level) * 0x9e3779b9;
    hash ^= hash >>> 15;
    hash *= 0x85ebca6b;
    return (hash ^ hash >>> 13) & (PARTITIONS - 1);
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
              + (4L * PARTITIONS * pages.pageSize() >> 10)
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
    private @Nullable Object firstKey;
    private boolean singleKey = true;
    private long firstTime = Long.MAX_VALUE;
    private long lastTime = Long.MIN_VALUE;

    void add(T record, Object key, long time) throws IOException {
      Pages out = written;
      if (out == null) {
        out = new Pages(page());
        written = out;
        firstKey = key;
      }
      serializer.serialize(record, out);
      records++;
      singleKey &= key.equals(firstKey);
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
      long bytes = (pagesOnDisk + full.size() + 1L) * pages.pageSize();
      if (bytes <= loadedBytes || (singleKey && firstTime == lastTime)) {
        drainInMemory(to);
        return;
      }
      TimeRange times = singleKey ? new TimeRange(firstTime, lastTime) : null;
      try (KeyOrder<T> finer =
          new KeyOrder<>(
              serializer,
              keyOf,
              timeOf,
              order,
              pages,
              loadedBytes,
              level + 1,
              times,
              KeyOrder.this)) {
        Reading reading = new Reading();
        for (; records > 0; records--) {
          finer.add(serializer.deserialize(reading));
        }
        reading.end();
        close();
        finer.drain(to);
      }
    }

    private <E extends Exception> void drainInMemory(ThrowingConsumer<T, E> to)
        throws E, IOException {
      Map<Object, List<T>> byKey = new LinkedHashMap<>();
      Reading reading = new Reading();
      for (; records > 0; records--) {
        T record = serializer.deserialize(reading);
        byKey.computeIfAbsent(keyOf.apply(record), key -> new ArrayList<>()).add(record);
      }
      reading.end();
      close();
      for (List<T> ofKey : byKey.values()) {
        ofKey.sort(order); // Linear in what is in order already.
        for (T record : ofKey) {
          to.accept(record);
        }
      }
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

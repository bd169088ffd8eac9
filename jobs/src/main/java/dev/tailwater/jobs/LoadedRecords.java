package dev.tailwater.jobs;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.util.function.ThrowingConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Records of some keys, next to each other in memory, that are given away in order: key by key, of
 * a key in the order of {@link OrderOperator.By}. What stands in front of the records decides
 * nearly everything, so that each becomes an object only when its turn has come. Not thread-safe.
 */
final class LoadedRecords<T> {

  /** Larger arrays are given back: most loads are far from the largest. */
  private static final int KEPT_BYTES = 4 << 20;

  private static final byte[] NONE = {};

  private final Packing<T> packing;
  private final List<T> tied = new ArrayList<>();

  private byte[] bytes = NONE;
  private int records;

  /** Where each record begins; first as they came, then of one hash behind each other. */
  private int[] starts = new int[0];

  private int[] grouped = new int[0];

  /** The hash's group of each record, and where the groups end. */
  private int[] groups = new int[0];

  private int[] ends = new int[0];

  private long[] times = new long[0];

  LoadedRecords(Packing<T> packing) {
    this.packing = packing;
  }

  /**
   * Reads records, in place of those before.
   *
   * @param length of all of them, in bytes
   */
  void load(DataInputView source, long length, int count) throws IOException {
    if (length > Integer.MAX_VALUE - 8) {
      throw new IOException(
          "A bounded run has "
              + length
              + " bytes of events of one key at one instant, more than it can put in order: correct"
              + " the key or the event time of the stream");
    }
    if (bytes.length < length || bytes.length > KEPT_BYTES) {
      bytes = NONE; // The old one can go before the new one comes.
      bytes = new byte[(int) Math.max(length, Math.min(length * 5 / 4, KEPT_BYTES))];
    }
    source.readFully(bytes, 0, (int) length);
    records = count;
    if (starts.length < count) {
      starts = new int[count];
      grouped = new int[count];
      groups = new int[count];
      times = new long[count];
    }
    int at = 0;
    for (int i = 0; i < count; i++) {
      starts[i] = at;
      at += Packed.length(bytes, at);
    }
  }

  /** Gives the records away; there are none afterwards. */
  <E extends Exception> void drain(ThrowingConsumer<T, E> to) throws E, IOException {
    int count = group();
    int from = 0;
    for (int group = 0; group < count; group++) {
      drainGroup(from, ends[group], to);
      from = ends[group];
    }
    records = 0;
  }

  /** Moves the records of one hash behind each other, without changing their order. */
  private int group() {
    int places = Integer.highestOneBit(Math.max(records, 1)) << 2;
    int[] groupAt = new int[places]; // One more than the group, 0 where there is none.
    int[] hashes = new int[records];
    int[] sizes = new int[records];
    int count = 0;
    for (int i = 0; i < records; i++) {
      int hash = Packed.hash(bytes, starts[i]);
      int place = (hash * 0x9e3779b9 >>> 7) & (places - 1);
      while (groupAt[place] != 0 && hashes[groupAt[place] - 1] != hash) {
        place = (place + 1) & (places - 1);
      }
      if (groupAt[place] == 0) {
        hashes[count++] = hash;
        groupAt[place] = count;
      }
      groups[i] = groupAt[place] - 1;
      sizes[groups[i]]++;
    }
    int end = 0;
    for (int group = 0; group < count; group++) {
      int size = sizes[group];
      sizes[group] = end; // From here on where its next record belongs.
      end += size;
    }
    for (int i = 0; i < records; i++) {
      grouped[sizes[groups[i]]++] = starts[i];
    }
    ends = sizes;
    return count;
  }

  /** Gives away the records of one hash, and so as a rule of one key. */
  private <E extends Exception> void drainGroup(int from, int to, ThrowingConsumer<T, E> consumer)
      throws E, IOException {
    sortByTime(from, to);
    Object key = null;
    List<T> ofOthers = null;
    for (int i = from; i < to; ) {
      int end = i + 1;
      while (end < to && times[end] == times[i]) {
        end++;
      }
      tied.clear();
      for (; i < end; i++) {
        tied.add(packing.unpack(bytes, grouped[i]));
      }
      if (tied.size() > 1) {
        tied.sort(packing.by()::compare);
      }
      for (int j = 0; j < tied.size(); j++) {
        T record = tied.get(j);
        Object keyOfRecord = packing.by().key(record);
        if (key == null) {
          key = keyOfRecord;
        }
        if (keyOfRecord.equals(key)) {
          consumer.accept(record);
        } else {
          ofOthers = ofOthers == null ? new ArrayList<>() : ofOthers;
          ofOthers.add(record);
        }
      }
    }
    tied.clear();
    drainOthers(ofOthers, consumer);
  }

  /** Gives away records of further keys with the same hash, which are in order of each key. */
  private <E extends Exception> void drainOthers(
      @Nullable List<T> records, ThrowingConsumer<T, E> consumer) throws E {
    if (records == null) {
      return;
    }
    Map<Object, List<T>> byKey = new LinkedHashMap<>();
    for (T record : records) {
      byKey.computeIfAbsent(packing.by().key(record), absent -> new ArrayList<>()).add(record);
    }
    for (List<T> ofKey : byKey.values()) {
      for (T record : ofKey) {
        consumer.accept(record);
      }
    }
  }

  /** Sorts a range of the grouped records by time, ties as they are, and notes the times. */
  private void sortByTime(int from, int to) {
    long first = Long.MAX_VALUE;
    long last = Long.MIN_VALUE;
    boolean sorted = true;
    for (int i = from; i < to; i++) {
      long time = Packed.time(bytes, grouped[i]);
      times[i] = time;
      sorted &= time >= last;
      first = Math.min(first, time);
      last = Math.max(last, time);
    }
    if (sorted) {
      return;
    }
    int placeBits = Integer.SIZE - Integer.numberOfLeadingZeros(to - from);
    long span = last - first;
    if (span < 0 || span >= 1L << (Long.SIZE - 1 - placeBits)) {
      sortFarApart(from, to);
      return;
    }
    // Time and place in one number: a sort of those needs no comparator.
    for (int i = from; i < to; i++) {
      times[i] = (times[i] - first) << placeBits | (i - from);
    }
    Arrays.sort(times, from, to);
    int[] before = Arrays.copyOfRange(grouped, from, to);
    for (int i = from; i < to; i++) {
      grouped[i] = before[(int) (times[i] & (1L << placeBits) - 1)];
      times[i] = (times[i] >>> placeBits) + first;
    }
  }

  /** As {@link #sortByTime}, of any two times. */
  private void sortFarApart(int from, int to) {
    Integer[] places = new Integer[to - from];
    Arrays.setAll(places, place -> place);
    long[] unsorted = Arrays.copyOfRange(times, from, to);
    int[] before = Arrays.copyOfRange(grouped, from, to);
    Arrays.sort(places, (one, other) -> Long.compare(unsorted[one], unsorted[other]));
    for (int i = from; i < to; i++) {
      grouped[i] = before[places[i - from]];
      times[i] = unsorted[places[i - from]];
    }
  }
}

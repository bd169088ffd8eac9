package dev.tailwater.jobs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.apache.flink.api.common.typeutils.base.StringSerializer;
import org.apache.flink.core.memory.MemorySegment;
import org.apache.flink.core.memory.MemorySegmentFactory;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Records are texts {@code key@time#number}. */
class KeyOrderTest {

  private static final Comparator<String> BY_TIME_AND_NUMBER =
      Comparator.comparingLong(KeyOrderTest::time)
          .thenComparingInt(text -> Integer.parseInt(text.substring(text.indexOf('#') + 1)));

  private static final String SAME_HASH = "keys of the same hash";

  private static final Packing<String> PACKING =
      new Packing<>(
          StringSerializer.INSTANCE,
          new OrderOperator.By<>() {
            @Override
            public Object key(String record) {
              return KeyOrderTest.key(record);
            }

            @Override
            public long time(String record) {
              return KeyOrderTest.time(record);
            }

            @Override
            public int compare(String one, String other) {
              return BY_TIME_AND_NUMBER.compare(one, other);
            }
          });

  private final Path folder;

  KeyOrderTest(@TempDir Path folder) {
    this.folder = folder;
  }

  /** How much memory there is for how many records of how many keys and times. */
  record Case(String name, int records, int keys, long times, int pages, long loadedBytes) {
    @Override
    public String toString() {
      return name;
    }
  }

  static Stream<Case> cases() {
    return Stream.of(
        new Case("nothing", 0, 1, 1, 1000, 1 << 20),
        new Case("all in memory", 5_000, 300, 1_000, 1000, 1 << 20),
        new Case("partitions on disk", 40_000, 300, 1_000, 140, 1 << 20),
        new Case("partitions distributed again", 40_000, 300, 1_000, 260, 2_000),
        new Case("few partitions, distributed again and again", 40_000, 300, 1_000, 60, 2_000),
        new Case("as little memory as is needed", 40_000, 300, 1_000, 32, 1 << 20),
        new Case("as little memory as is needed, one key", 9_000, 1, 1_000, 32, 2_000),
        new Case("one key in slices of time", 40_000, 1, 1_000, 260, 2_000),
        new Case("two keys in slices of time", 40_000, 2, 100_000, 400, 2_000),
        new Case("one key at one instant", 3_000, 1, 1, 260, 2_000),
        new Case("times that do not fit beside a place", 5_000, 30, Long.MAX_VALUE, 1000, 1 << 20),
        new Case("times that are far apart, in slices", 9_000, 1, Long.MAX_VALUE, 260, 2_000),
        new Case(SAME_HASH + " in memory", 5_000, 100, 1_000, 1000, 1 << 20),
        new Case(SAME_HASH + " distributed again", 40_000, 100, 1_000, 500, 2_000));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void everyKeyComesOnceAndInOrder(Case of) throws IOException {
    Random random = new Random(7);
    List<String> records = new ArrayList<>();
    for (int i = 0; i < of.records; i++) {
      // Nearly in the order of time, as a log is.
      long time = Math.max(0, (long) ((double) i * of.times / of.records) - random.nextInt(20));
      String key =
          of.name.startsWith(SAME_HASH) ? sameHash(of, random) : "key-" + random.nextInt(of.keys);
      records.add(key + "@" + (time - 3) + "#" + i);
    }
    Pages pages = new Pages(of.pages);
    List<String> ordered = new ArrayList<>();
    try (KeyOrder<String> order = order(pages, of.loadedBytes)) {
      for (String record : records) {
        order.add(PACKING.pack(record));
      }
      order.drain(ordered::add);
    }

    // Sorted, because looking for each of many takes long.
    assertThat(ordered.stream().sorted().toList()).isEqualTo(records.stream().sorted().toList());
    Set<String> begun = new HashSet<>();
    for (int i = 0; i < ordered.size(); i++) {
      String record = ordered.get(i);
      if (i > 0 && key(ordered.get(i - 1)).equals(key(record))) {
        assertThat(BY_TIME_AND_NUMBER.compare(ordered.get(i - 1), record)).isNegative();
      } else {
        assertThat(begun.add(key(record))).as("%s begins once", key(record)).isTrue();
      }
    }
    assertThat(pages.lent).as("pages that were not given back").isZero();
    try (Stream<Path> left = Files.list(folder)) {
      assertThat(left).isEmpty();
    }
  }

  @Test
  void whatIsLeftAfterAFailureIsGivenBack() throws IOException {
    Pages pages = new Pages(140);
    KeyOrder<String> order = order(pages, 1 << 20);
    for (int i = 0; i < 40_000; i++) {
      order.add(PACKING.pack("key-" + i % 100 + "@" + i + "#" + i));
    }
    assertThatThrownBy(
            () ->
                order.drain(
                    record -> {
                      throw new IllegalStateException("the next operator failed");
                    }))
        .hasMessage("the next operator failed");
    order.close();

    assertThat(pages.lent).isZero();
    try (Stream<Path> left = Files.list(folder)) {
      assertThat(left).isEmpty();
    }
  }

  @Test
  void tooLittleMemorySaysHowMuchIsNeeded() {
    Pages pages = new Pages(3);
    KeyOrder<String> order = order(pages, 1 << 20);

    assertThatThrownBy(
            () -> {
              for (int i = 0; i < 1_000; i++) {
                order.add(PACKING.pack("key-" + i + "@0#" + i));
              }
            })
        .hasMessageContaining("too little memory")
        .hasMessageContaining("taskmanager.memory.managed.size");
  }

  /** One of the case's keys, all of which have the same hash. */
  private static String sameHash(Case of, Random random) {
    int number = random.nextInt(of.keys);
    StringBuilder key = new StringBuilder();
    for (int bit = 0; bit < 7; bit++) {
      key.append((number >> bit & 1) == 0 ? "Aa" : "BB");
    }
    return key.toString();
  }

  private static KeyOrder<String> order(Pages pages, long loadedBytes) {
    return new KeyOrder<>(PACKING, pages, loadedBytes);
  }

  private static String key(String record) {
    return record.substring(0, record.indexOf('@'));
  }

  private static long time(String record) {
    return Long.parseLong(record.substring(record.indexOf('@') + 1, record.indexOf('#')));
  }

  private final class Pages implements PagePool {

    private static final int PAGE_SIZE = 512;

    private final Deque<MemorySegment> free = new ArrayDeque<>();
    private final int count;
    private int files;
    private int lent;

    Pages(int count) {
      this.count = count;
      for (int i = 0; i < count; i++) {
        free.add(MemorySegmentFactory.allocateOffHeapUnsafeMemory(PAGE_SIZE)); // As managed memory.
      }
    }

    @Override
    public int pageSize() {
      return PAGE_SIZE;
    }

    @Override
    public int count() {
      return count;
    }

    @Override
    public @Nullable MemorySegment take() {
      lent += free.isEmpty() ? 0 : 1;
      return free.poll();
    }

    @Override
    public void give(MemorySegment page) {
      lent--;
      free.add(page);
    }

    @Override
    public Path newFile() {
      return folder.resolve("file-" + files++);
    }

    @Override
    public void close() {}
  }
}

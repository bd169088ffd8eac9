package dev.tailwater.kernel;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** A state of any layout: what there is to do with a fact is read off its {@link StateShape}. */
final class GeneralState extends EntityState {

  /**
   * Per cursor the time of the next fact, then per cursor its position, then the running totals.
   */
  private final long[] words;

  /** Per cursor the words of the chunk it stands in, if they are known. */
  private final long[] @Nullable [] rows;

  GeneralState(StateShape shape) {
    super(shape);
    words = new long[shape.words];
    rows = new long[shape.cursors][];
    Arrays.fill(words, 0, shape.cursors, NEVER);
  }

  @Override
  EntityState empty(StateShape equal) {
    return new GeneralState(equal);
  }

  @Override
  long next(int cursor) {
    return words[cursor];
  }

  @Override
  long position(int cursor) {
    return words[shape.cursors + cursor];
  }

  @Override
  long @Nullable [] rows(int cursor) {
    return rows[cursor];
  }

  @Override
  void stand(int cursor, long next, long position, long @Nullable [] known) {
    words[cursor] = next;
    words[shape.cursors + cursor] = position;
    if (rows[cursor] != known) {
      rows[cursor] = known;
    }
  }

  @Override
  void standBefore(long time, long position, long[] known) {
    // If one of those that are a fixed span behind had not passed all, neither had those further
    // behind.
    for (int cursor = 0; cursor < shape.shifted && words[cursor] == NEVER; cursor++) {
      stand(cursor, time, position, known);
    }
    for (int cursor = shape.shifted; cursor < shape.cursors; cursor++) {
      if (words[cursor] == NEVER) {
        stand(cursor, time, position, known);
      }
    }
  }

  @Override
  long total(int at) {
    return words[at];
  }

  @Override
  long[] totals() {
    return words;
  }

  @Override
  void setTotals(long[] changed) {
    if (changed != words) {
      System.arraycopy(
          changed, 2 * shape.cursors, words, 2 * shape.cursors, words.length - 2 * shape.cursors);
    }
  }

  @Override
  void encode(Fact fact, int index, int capacity, long[] chunk) {
    shape.encode(fact, index, capacity, chunk, Chunk.NO_TEXTS);
  }

  @Override
  void forward(ChunkStore chunks) {
    shape.countRun();
    for (int cursor = 0; cursor < shape.cursors; cursor++) {
      long target = target(cursor);
      while (words[cursor] <= target) {
        forwardInChunk(cursor, target, chunks);
      }
    }
  }

  /** Moves a cursor over the facts up to a time that are in its chunk, of which there are some. */
  private void forwardInChunk(int cursor, long target, ChunkStore chunks) {
    long position = words[shape.cursors + cursor];
    long[] known = rows(cursor, chunks);
    int stride = shape.stride;
    int at = (int) position * stride;
    StateShape.Passing passing = shape.passing[cursor];
    StateShape.Total total = passing.first();
    int passed = 0;
    long next;
    do {
      if (total != null) {
        pass(total, words, known, at, 1);
      }
      passed++;
      at += stride;
      next = known[at + StateShape.TIME];
    } while (next <= target);
    if (passing.countAt() >= 0) {
      words[passing.countAt()] += passed;
    }
    if (cursor == 0 || passing.more().length > 0 || anyRunning) {
      passRest(cursor, position, known, passed, chunks);
    }
    words[cursor] = next;
    words[shape.cursors + cursor] = position + passed;
    if (next == NEVER && (int) (position >> 32) != tailChunk) {
      toNextChunk(cursor, chunks);
    }
  }

  /** Does what few cursors need beside the count of all facts and one other total. */
  private void passRest(int cursor, long position, long[] known, int passed, ChunkStore chunks) {
    int id = (int) (position >> 32);
    int from = (int) position;
    int last = from + passed - 1;
    for (StateShape.Total total : shape.passing[cursor].more()) {
      for (int index = from; index <= last; index++) {
        pass(total, words, known, index * shape.stride, 1);
      }
    }
    for (int index = from; anyRunning && index <= last; index++) {
      passRunning(cursor, id, index, chunks);
    }
    if (cursor == 0) {
      causePartition = (int) (known[last * shape.stride + shape.metaWord] >> 32);
      int capacity = known == tailWords ? tailCapacity : shape.capacity(known);
      causeOffset = known[shape.originAt(last, capacity) + StateShape.OFFSET];
    }
  }

  @Override
  void answerAll(@Nullable Object[] into, int from, ChunkStore chunks) {
    for (int feature = 0; feature < shape.features.length; feature++) {
      into[from + feature] = value(shape.features[feature], chunks);
    }
  }
}

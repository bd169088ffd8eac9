package dev.tailwater.kernel;

import org.jspecify.annotations.Nullable;

/**
 * Where the windows over the last events and over the last session begin, kept up to date while
 * facts come behind the cursor at their new edge: the old edge is a pointer that moves on and back
 * with it. So an event costs the facts that enter and leave its window, and the answer what its
 * summary does, and not a look at every fact of the window.
 *
 * <p>Derived from the stored facts, and neither stored nor copied: a window that is not known is
 * looked for, fact by fact, when it is first asked for. What would have to be looked for in any
 * case is forgotten: where going back leaves a session, where a retraction may divide one, and
 * where a fact of the very instant is replaced at which a window begins. Not thread-safe.
 */
final class PositionalWindows {

  private final StateShape shape;
  private final RunningPartials running;
  private final @Nullable Span[] spans;

  // Where the last walk ended.
  private int foundChunk;
  private int foundIndex;

  /** The facts of a window; of a session also if it is over. Without facts it has no beginning. */
  static final class Span {
    private int chunk = Chunk.NONE;
    private int index;
    private int size;
    private long lastTime;
    private boolean replacing;

    int chunk() {
      return chunk;
    }

    int index() {
      return index;
    }

    int size() {
      return size;
    }

    /** Of a session, the time of its newest fact. */
    long lastTime() {
      return lastTime;
    }
  }

  PositionalWindows(StateShape shape, RunningPartials running) {
    this.shape = shape;
    this.running = running;
    spans = new Span[shape.positional.length];
  }

  /** The facts of a window, or null if they have to be looked for. */
  @Nullable Span get(int window) {
    return spans[window];
  }

  /** Begins to follow a window that has no facts. */
  Span putEmpty(int window) {
    Span span = new Span();
    spans[window] = span;
    return span;
  }

  /** Begins to follow a window that has {@code size} facts from this one on. */
  Span put(int window, int chunk, int index, int size, long lastTime) {
    Span span = putEmpty(window);
    span.chunk = chunk;
    span.index = index;
    span.size = size;
    span.lastTime = lastTime;
    return span;
  }

  private void forget(int window) {
    spans[window] = null;
    for (int run : shape.runningInPositional[window]) {
      running.put(run, null);
    }
  }

  /**
   * A cursor goes over a fact, as of {@link RunningPartials#pass}; the fact stands in its place.
   */
  void pass(
      int cursor, int id, Chunk chunk, int index, boolean forward, EntityState of, ChunkStore in) {
    for (int window : shape.positionalAtNewEdge[cursor]) {
      Span span = spans[window];
      if (span == null || !matches(window, chunk, index)) {
        continue;
      }
      if (forward) {
        add(window, span, id, chunk, index, of, in);
      } else {
        removeNewest(window, span, id, chunk, index, of, in);
      }
    }
  }

  private void add(
      int window, Span span, int id, Chunk chunk, int index, EntityState of, ChunkStore in) {
    if (shape.positional[window].spec().window() instanceof Window.LastEvents last) {
      if (span.size == 0 || isBefore(span, id, chunk, index, of, in)) {
        if (span.size == last.count()) {
          return;
        }
        span.chunk = id;
        span.index = index;
      }
      span.size++;
      change(window, chunk, index, true);
      if (span.size > last.count()) {
        change(window, of.load(span.chunk, in), span.index, false);
        span.size--;
        toNext(window, span.chunk, span.index, of, in);
        span.chunk = foundChunk;
        span.index = foundIndex;
      }
      return;
    }
    long gapMs = ((Window.Session) shape.positional[window].spec().window()).gapMs();
    long time = chunk.time(index);
    if (span.size == 0 || time - span.lastTime > gapMs) {
      for (int run : shape.runningInPositional[window]) {
        running.restart(run);
      }
      span.chunk = id;
      span.index = index;
      span.size = 1;
      span.lastTime = time;
      change(window, chunk, index, true);
      return;
    }
    if (!isBefore(span, id, chunk, index, of, in)) {
      span.size++;
      span.lastTime = Math.max(span.lastTime, time);
      change(window, chunk, index, true);
      return;
    }
    // The session begins earlier now, and perhaps with the one before it.
    long after = of.load(span.chunk, in).time(span.index);
    foundChunk = id;
    foundIndex = index;
    do {
      Chunk before = of.load(foundChunk, in);
      if (after - before.time(foundIndex) > gapMs) {
        return;
      }
      after = before.time(foundIndex);
      span.chunk = foundChunk;
      span.index = foundIndex;
      span.size++;
      change(window, before, foundIndex, true);
    } while (toPrevious(window, foundChunk, foundIndex, of, in));
  }

  private void removeNewest(
      int window, Span span, int id, Chunk chunk, int index, EntityState of, ChunkStore in) {
    if (shape.positional[window].spec().window() instanceof Window.LastEvents last) {
      removeOne(window, span, last, chunk, index, of, in);
    } else if (span.size == 1) {
      forget(window);
    } else {
      change(window, chunk, index, false);
      span.size--;
      toPrevious(window, id, index, of, in);
      span.lastTime = of.load(foundChunk, in).time(foundIndex);
    }
  }

  /** Takes a fact away; the matching one before the beginning, if there is one, comes in for it. */
  private void removeOne(
      int window,
      Span span,
      Window.LastEvents last,
      Chunk chunk,
      int index,
      EntityState of,
      ChunkStore in) {
    change(window, chunk, index, false);
    if (span.size == last.count() && toPrevious(window, span.chunk, span.index, of, in)) {
      span.chunk = foundChunk;
      span.index = foundIndex;
      change(window, of.load(foundChunk, in), foundIndex, true);
    } else {
      span.size--;
    }
  }

  /**
   * A fact behind the cursors of these windows will be replaced by one of the same instant, which
   * {@link #replaced} has to be called for.
   */
  void replacing(int cursor, Chunk chunk, int index, Chunk.Row by, EntityState of, ChunkStore in) {
    for (int window : shape.positionalAtNewEdge[cursor]) {
      Span span = spans[window];
      if (span == null) {
        continue;
      }
      boolean was = matches(window, chunk, index);
      boolean is = by.has(shape, shape.live, shape.positional[window].filter());
      long time = chunk.time(index);
      long start = span.size == 0 ? Long.MIN_VALUE : of.load(span.chunk, in).time(span.index);
      span.replacing = is;
      if (span.size > 0 && start == time) {
        forget(window);
      } else if (was && is) {
        span.replacing = time > start;
        if (span.replacing) {
          change(window, chunk, index, false);
          span.size--;
        }
      } else if (was && time > start) {
        if (shape.positional[window].spec().window() instanceof Window.LastEvents last) {
          removeOne(window, span, last, chunk, index, of, in);
        } else {
          forget(window);
        }
      }
    }
  }

  /** A fact took the place of the one that {@link #replacing} was called for. */
  void replaced(int cursor, int id, Chunk chunk, int index, EntityState of, ChunkStore in) {
    for (int window : shape.positionalAtNewEdge[cursor]) {
      Span span = spans[window];
      if (span != null && span.replacing) {
        span.replacing = false;
        add(window, span, id, chunk, index, of, in);
      }
    }
  }

  /** A fact was inserted into a chunk: those from there on moved by one. */
  void inserted(int id, int index) {
    for (Span span : spans) {
      if (span != null && span.size > 0 && span.chunk == id && span.index >= index) {
        span.index++;
      }
    }
  }

  /** A chunk was split: its facts from {@code from} on are those of a second one. */
  void split(int id, int from, int secondId) {
    for (Span span : spans) {
      if (span != null && span.size > 0 && span.chunk == id && span.index >= from) {
        span.chunk = secondId;
        span.index -= from;
      }
    }
  }

  /** A chunk will be dropped. */
  void dropping(int id) {
    for (int window = 0; window < spans.length; window++) {
      Span span = spans[window];
      if (span != null && span.size > 0 && span.chunk == id) {
        forget(window);
      }
    }
  }

  /** Whether a fact comes before the beginning of a window that has facts. */
  boolean isBefore(Span span, int id, Chunk chunk, int index, EntityState of, ChunkStore in) {
    return id == span.chunk
        ? index < span.index
        : of.load(span.chunk, in)
            .isAfter(span.index, chunk.time(index), chunk.partition(index), chunk.offset(index));
  }

  private boolean matches(int window, Chunk chunk, int index) {
    return chunk.has(index, shape.live, shape.positional[window].filter());
  }

  private void change(int window, Chunk chunk, int index, boolean add) {
    for (int run : shape.runningInPositional[window]) {
      running.change(run, chunk, index, add, false);
    }
  }

  /** Walks to the fact of a window's kind that comes before a place; false if there is none. */
  boolean toPrevious(int window, int fromChunk, int fromIndex, EntityState of, ChunkStore in) {
    int id = fromChunk;
    Chunk chunk = of.load(id, in);
    int index = fromIndex;
    while (!toPreviousInChunk(window, id, chunk, index)) {
      if (id == of.firstChunk()) {
        return false;
      }
      id = chunk.previous();
      chunk = of.load(id, in);
      index = chunk.count();
    }
    return true;
  }

  /** As {@link #toPrevious}, not beyond the beginning of this chunk. */
  boolean toPreviousInChunk(int window, int id, Chunk chunk, int fromIndex) {
    for (int index = fromIndex - 1; index >= 0; index--) {
      if (matches(window, chunk, index)) {
        foundChunk = id;
        foundIndex = index;
        return true;
      }
    }
    return false;
  }

  /** As {@link #toPrevious}, to the fact that comes after a place. */
  boolean toNext(int window, int fromChunk, int fromIndex, EntityState of, ChunkStore in) {
    int id = fromChunk;
    int index = fromIndex + 1;
    Chunk chunk = of.load(id, in);
    while (true) {
      if (index == chunk.count()) {
        id = chunk.next();
        if (id == Chunk.NONE) {
          return false;
        }
        chunk = of.load(id, in);
        index = 0;
      } else if (matches(window, chunk, index)) {
        foundChunk = id;
        foundIndex = index;
        return true;
      } else {
        index++;
      }
    }
  }

  /** The chunk that the last successful walk ended in. */
  int foundChunk() {
    return foundChunk;
  }

  /** The index at which the last successful walk ended. */
  int foundIndex() {
    return foundIndex;
  }
}

package dev.tailwater.kernel;

import org.jspecify.annotations.Nullable;

/**
 * Summaries of the facts in windows, kept up to date while facts enter and leave: so that an answer
 * costs what the summary does, and not a look at every fact of the window.
 *
 * <p>They are derived from the stored facts, and neither stored nor copied: a summary that is not
 * there is made from the window's facts when it is first asked for. On a backend that reads a state
 * for every event that is every answer. Not thread-safe.
 */
final class RunningPartials {

  private final StateShape shape;
  private final @Nullable Partial[] partials;

  RunningPartials(StateShape shape) {
    this.shape = shape;
    partials = new Partial[shape.running.length];
  }

  /** The summary of a window, or null if it has to be made. */
  @Nullable Partial get(int running) {
    return partials[running];
  }

  /** Starts to keep a summary that has all facts of the window as of now, or with null ends it. */
  void put(int running, @Nullable Partial partial) {
    partials[running] = partial;
  }

  /**
   * A cursor goes over a fact. Of the cursors at a window's edges the new one has to be first where
   * a fact comes behind them, and the old one where it comes before them.
   *
   * @param forward whether the fact is behind the cursor from now on
   * @param inOrder whether no fact behind the cursor is newer
   */
  void pass(int cursor, Chunk chunk, int index, boolean forward, boolean inOrder) {
    for (int running : shape.runningAtNewEdge[cursor]) {
      change(running, chunk, index, forward, inOrder);
    }
    for (int running : shape.runningAtOldEdge[cursor]) {
      change(running, chunk, index, !forward, false);
    }
  }

  /** The window has lost all of its facts. */
  void restart(int running) {
    if (partials[running] != null) {
      partials[running] = Partial.removable(shape.running[running].aggregation(), shape);
    }
  }

  /** A fact enters or leaves a window. */
  void change(int running, Chunk chunk, int index, boolean add, boolean inOrder) {
    Partial partial = partials[running];
    StateShape.Feature feature = shape.running[running];
    if (partial == null || !chunk.has(index, feature.presence(), feature.filter())) {
      return;
    }
    if (!partial.isRemovable() && !(add && inOrder)) {
      partials[running] = null;
    } else if (add) {
      partial.add(chunk, index);
    } else {
      partial.remove(chunk, index);
    }
  }

  /** All facts up to a time were pruned. */
  void pruned(long time) {
    for (Partial partial : partials) {
      if (partial != null) {
        partial.pruned(time);
      }
    }
  }
}

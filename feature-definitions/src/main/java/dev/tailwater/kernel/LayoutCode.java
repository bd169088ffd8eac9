package dev.tailwater.kernel;

import org.jspecify.annotations.Nullable;

/**
 * The steps that every fact takes, written out for one layout by {@link LayoutCompiler}: every
 * position, span and kind of sum is a constant in it, and no loop asks what there is to do. It does
 * what the steps of the same names do for any layout, and is as thread-safe as the states it is
 * given.
 */
abstract class LayoutCode {

  /** As {@link StateShape#encode}, for a fact without stored texts. */
  abstract void encode(StateShape shape, Fact fact, int index, int capacity, long[] chunk);

  /** Moves all cursors of a state forward to its instant. */
  abstract void forward(EntityState state, ChunkStore chunks);

  /** Writes all features of a state, as {@link EntityState#answer} does. */
  abstract void answer(EntityState state, @Nullable Object[] into, int from, ChunkStore chunks);
}

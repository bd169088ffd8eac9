package dev.tailwater.kernel;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * The summaries of facts that were dropped, one for each multiple of a window's resolution that had
 * any, also facts that count for nothing: an answer is valid until one leaves. Oldest first. Facts
 * are added in the order of the log, so that only the newest summary still changes. Not
 * thread-safe.
 */
final class TileRow {

  private final Aggregation aggregation;
  private final StateShape shape;
  private final ArrayDeque<Tile> tiles = new ArrayDeque<>();

  // What was last asked for, as long as nothing but the newest tile has changed since.
  private @Nullable Partial merged;
  private long mergedFrom;

  /** One multiple's number and facts. */
  record Tile(long number, Partial facts) {}

  TileRow(Aggregation aggregation, StateShape shape) {
    this.aggregation = aggregation;
    this.shape = shape;
  }

  /** Adds a fact, which comes after all that were added before. */
  void add(long number, Chunk chunk, int index) {
    at(number).facts.add(chunk, index);
  }

  /** Adds a fact that counts for nothing, and comes after all that were added before. */
  void addNothing(long number) {
    at(number);
  }

  /** The newest tile, which is made if there is none of this number yet. */
  private Tile at(long number) {
    Tile last = tiles.peekLast();
    if (last == null || last.number != number) {
      last = new Tile(number, Partial.of(aggregation, shape));
      tiles.addLast(last);
      merged = null;
    }
    return last;
  }

  /** Adds a tile, which comes after all that were added before. */
  void add(Tile tile) {
    tiles.addLast(tile);
    merged = null;
  }

  /** Adds all tiles to a summary of older facts. */
  void mergeInto(Partial older) {
    for (Tile tile : tiles) {
      older.addAll(tile.facts);
    }
  }

  /** The number of the oldest tile, or {@link Long#MAX_VALUE} without any. */
  long first() {
    Tile first = tiles.peekFirst();
    return first == null ? Long.MAX_VALUE : first.number;
  }

  /** The number of the oldest tile from this one on, or {@link Long#MAX_VALUE} without any. */
  long firstFrom(long number) {
    for (Tile tile : tiles) {
      if (tile.number >= number) {
        return tile.number;
      }
    }
    return Long.MAX_VALUE;
  }

  /** Forgets the oldest tile. */
  void removeFirst() {
    tiles.removeFirst();
    merged = null;
  }

  /** The newest tile, if its number is not lower. */
  @Nullable Tile newest(long from) {
    Tile last = tiles.peekLast();
    return last == null || last.number < from ? null : last;
  }

  /** A new summary of all tiles from this number on, without the newest tile. */
  Partial mergedBeforeNewest(long from) {
    Partial known = merged;
    if (known == null || mergedFrom != from) {
      known = Partial.of(aggregation, shape);
      Tile newest = tiles.peekLast();
      for (Tile tile : tiles) {
        if (tile.number >= from && tile != newest) {
          known.addAll(tile.facts);
        }
      }
      merged = known;
      mergedFrom = from;
    }
    return known.copy();
  }

  /** A copy that is independent, because all but the newest tile never change. */
  TileRow copy() {
    TileRow copy = new TileRow(aggregation, shape);
    copy.tiles.addAll(tiles);
    Tile newest = copy.tiles.pollLast();
    if (newest != null) {
      copy.tiles.addLast(new Tile(newest.number, newest.facts.copy()));
    }
    return copy;
  }

  void write(DataOutput out) throws IOException {
    Varint.writeUnsigned(out, tiles.size());
    long before = 0;
    for (Tile tile : tiles) {
      Varint.writeSigned(out, tile.number - before);
      tile.facts.write(out);
      before = tile.number;
    }
  }

  /** Reads what was written, into a row without tiles. */
  void read(DataInput in) throws IOException {
    long before = 0;
    for (long left = Varint.readUnsigned(in); left > 0; left--) {
      before += Varint.readSigned(in);
      Partial facts = Partial.of(aggregation, shape);
      facts.read(in);
      tiles.addLast(new Tile(before, facts));
    }
  }
}

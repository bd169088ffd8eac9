package dev.tailwater.kernel;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import org.apache.datasketches.hll.HllSketch;
import org.apache.datasketches.hll.TgtHllType;
import org.apache.datasketches.hll.Union;
import org.apache.datasketches.memory.Memory;

/**
 * An estimate of how many different values there are, by a HyperLogLog sketch of 4,096 registers:
 * the standard error is 1.04 / √4096 = 1.6 %. At most about 4 KiB, less for few values.
 *
 * <p>The estimate is a function of the set of values: it depends neither on their order or number,
 * nor on how they were divided over sketches that were merged, nor on storage in between. The
 * library's better estimator, which looks at the order, is therefore not used. Not thread-safe.
 */
final class DistinctSketch {

  private static final int LOG_REGISTERS = 12;

  private final Union union = new Union(LOG_REGISTERS);

  /** Adds a rank, as of {@link StateShape#rank}, with -0.0 made 0.0. */
  void add(long rank) {
    union.update(rank);
  }

  /** Adds a text. */
  void add(String text) {
    // Unlike the library's own way, the empty text is a value too.
    union.update(('=' + text).toCharArray());
  }

  /** Adds the values of another sketch. */
  void merge(DistinctSketch other) {
    union.update(other.union.getResult(TgtHllType.HLL_8));
  }

  /** The estimate, rounded. */
  long estimate() {
    return Math.round(union.getCompositeEstimate());
  }

  /** Writes the sketch, in a format of its own. */
  void write(DataOutput out) throws IOException {
    byte[] bytes = union.getResult(TgtHllType.HLL_8).toCompactByteArray();
    Varint.writeUnsigned(out, bytes.length);
    out.write(bytes);
  }

  /**
   * Reads a sketch.
   *
   * @throws IOException if it is damaged
   */
  static DistinctSketch read(DataInput in) throws IOException {
    byte[] bytes = SketchBytes.read(in);
    DistinctSketch sketch = new DistinctSketch();
    try {
      sketch.union.update(HllSketch.heapify(Memory.wrap(bytes)));
    } catch (RuntimeException e) {
      throw SketchBytes.damaged(e);
    }
    return sketch;
  }
}

package dev.tailwater.schemas;

import java.util.Arrays;
import java.util.Random;

/** Damages bytes as bad producers and disks do: flipped, cut, doubled, replaced. */
final class Damage {

  private static final byte[] MEANINGFUL = {
    '{', '}', '[', '"', ',', ':', '0', '-', '\\', '\n', 0, -1
  };

  private Damage() {}

  static byte[] of(byte[] original, Random random) {
    byte[] bytes = original.clone();
    for (int hits = 1 + random.nextInt(3); hits > 0 && bytes.length > 0; hits--) {
      int at = random.nextInt(bytes.length);
      switch (random.nextInt(5)) {
        case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
        case 1 -> bytes[at] = MEANINGFUL[random.nextInt(MEANINGFUL.length)];
        case 2 -> bytes = Arrays.copyOf(bytes, at);
        case 3 -> {
          byte[] longer = Arrays.copyOf(bytes, bytes.length + bytes.length - at);
          System.arraycopy(bytes, at, longer, bytes.length, bytes.length - at);
          bytes = longer;
        }
        default -> bytes[at] = (byte) random.nextInt();
      }
    }
    return bytes;
  }
}

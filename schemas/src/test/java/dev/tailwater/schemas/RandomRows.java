package dev.tailwater.schemas;

import java.util.Random;
import org.jspecify.annotations.Nullable;

/** Rows of every column type, with the values that formats tend to get wrong. */
final class RandomRows {

  static final RecordSchema SCHEMA =
      AvroContracts.parse(
          """
          {"type":"record","name":"Everything","fields":[
            {"name":"flag","type":"boolean"},
            {"name":"small","type":"int"},
            {"name":"large","type":["null","long"]},
            {"name":"ratio","type":"double"},
            {"name":"single","type":["float","null"]},
            {"name":"text","type":["null","string"]},
            {"name":"kind","type":{"type":"enum","name":"Kind","symbols":["CARD","CASH"]}},
            {"name":"at","type":{"type":"long","logicalType":"timestamp-millis"}},
            {"name":"seen","type":["null",{"type":"long","logicalType":"timestamp-micros"}]}
          ]}
          """);

  private static final String[] TEXTS = {
    "",
    "a",
    "\"quoted\"",
    "line\nend\r\n",
    "comma, and \\",
    "\u0000",
    "żółw",
    "日本",
    "😀",
    "null",
    "NaN"
  };

  private static final double[] DOUBLES = {
    0.0,
    -0.0,
    0.1,
    57.16,
    -1e-300,
    Double.MIN_VALUE,
    Double.MAX_VALUE,
    9007199254740993.0,
    1e22,
    123456789012345.6
  };

  private final Random random;

  RandomRows(long seed) {
    random = new Random(seed);
  }

  @Nullable Object[] next() {
    return new @Nullable Object[] {
      random.nextBoolean(),
      pick(random.nextInt(), Integer.MIN_VALUE, Integer.MAX_VALUE, 0),
      orNull(pick(random.nextLong(), Long.MIN_VALUE, Long.MAX_VALUE, 0L)),
      finite(),
      orNull((double) random.nextFloat()),
      orNull(TEXTS[random.nextInt(TEXTS.length)] + TEXTS[random.nextInt(TEXTS.length)]),
      random.nextBoolean() ? "CARD" : "CASH",
      pick(random.nextLong(Timestamps.MIN, Timestamps.MAX), Timestamps.MIN, Timestamps.MAX, 0L),
      orNull(random.nextLong(Timestamps.MIN, Timestamps.MAX))
    };
  }

  private double finite() {
    double any = Double.longBitsToDouble(random.nextLong());
    return random.nextBoolean() && Double.isFinite(any)
        ? any
        : DOUBLES[random.nextInt(DOUBLES.length)];
  }

  @SafeVarargs
  private <T> T pick(T usual, T... special) {
    return random.nextInt(4) > 0 ? usual : special[random.nextInt(special.length)];
  }

  private <T> @Nullable T orNull(T value) {
    return random.nextInt(4) == 0 ? null : value;
  }
}

package dev.tailwater.kernel;

import dev.tailwater.schemas.ColumnType;
import java.io.IOException;
import java.io.StringReader;
import java.lang.invoke.MethodHandles;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.codehaus.commons.compiler.CompileException;
import org.codehaus.janino.SimpleCompiler;

/**
 * Writes a kind of {@link EntityState} as Java for one layout, and compiles it with Janino, which
 * compiles the expressions of a project too. Its cursors and totals are fields, so that they come
 * from memory with the state itself, and the chunks at the same time that they do; every position,
 * span and kind of sum is a constant. Loops over cursors and totals of arrays spend their time on
 * finding out what to add where, and a processor that is busy with that does not get to the next
 * fact's memory. Databases do the same with queries (T. Neumann, <a
 * href="https://www.vldb.org/pvldb/vol4/p539-neumann.pdf">Efficiently Compiling Efficient Query
 * Plans for Modern Hardware</a>, 2011).
 *
 * <p>The code is made of numbers of the shape and of nothing that a user writes. Thread-safe.
 */
final class LayoutCompiler {

  /** Beyond this the code would be longer than what the JVM compiles well. */
  private static final int MOST_CURSORS = 8;

  private static final int MOST_TOTALS = 24;
  private static final int MOST_FEATURES = 48;
  private static final int MOST_COLUMNS = 48;

  private static final String CLASS = "CompiledState";
  private static final int MOST_KEPT = 256;

  /**
   * States by their code: the tasks of a job have layouts of their own, which are equal, and the
   * JVM calls what has few implementations faster.
   */
  private static final Map<String, EntityState> KEPT =
      new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, EntityState> eldest) {
          return size() > MOST_KEPT;
        }
      };

  private final StateShape shape;
  private final StringBuilder code = new StringBuilder();

  private LayoutCompiler(StateShape shape) {
    this.shape = shape;
  }

  /**
   * Whether there is code to be had for a layout: it must not be long, and there must be no summary
   * to be kept up to date.
   */
  static boolean canCompile(StateShape shape) {
    int totals = 0;
    for (StateShape.Total[] atCursor : shape.totals) {
      totals += atCursor.length;
    }
    return shape.running.length == 0
        && shape.positional.length == 0
        && shape.cursors <= MOST_CURSORS
        && totals <= MOST_TOTALS
        && shape.features.length <= MOST_FEATURES
        && shape.columnTypes.length <= MOST_COLUMNS
        && Arrays.stream(shape.columnTypes).allMatch(ColumnType::isScalar);
  }

  /**
   * A state of a layout that {@linkplain #canCompile can be compiled}, to {@linkplain
   * EntityState#empty make} others of: some tens of milliseconds, and tenths of a second for the
   * first one in a JVM.
   */
  static EntityState compile(StateShape shape) {
    String source = new LayoutCompiler(shape).source();
    synchronized (KEPT) {
      return KEPT.computeIfAbsent(source, code -> compile(code, shape));
    }
  }

  private static EntityState compile(String source, StateShape shape) {
    try {
      SimpleCompiler compiler = new SimpleCompiler();
      compiler.setParentClassLoader(LayoutCompiler.class.getClassLoader());
      compiler.cook(CLASS, new StringReader(source));
      Map<String, byte[]> classes = compiler.getBytecodes();
      byte[] bytes = classes.get(LayoutCompiler.class.getPackageName() + "." + CLASS);
      // Hidden: a class of this package, one of many of this name, that goes when nothing uses it.
      Class<?> compiled = MethodHandles.lookup().defineHiddenClass(bytes, true).lookupClass();
      return (EntityState) compiled.getDeclaredConstructor(StateShape.class).newInstance(shape);
    } catch (CompileException | IOException | ReflectiveOperationException e) {
      throw new IllegalStateException(
          "Code that was made for a state does not compile; please report it, with this text%n%s"
              .formatted(source),
          e);
    }
  }

  private String source() {
    add("package %s;", LayoutCompiler.class.getPackageName());
    add("final class %s extends EntityState {", CLASS);
    add("%s(StateShape shape) { super(shape); }", CLASS);
    add("EntityState empty(StateShape equal) { return new %s(equal); }", CLASS);
    for (int cursor = 0; cursor < shape.cursors; cursor++) {
      add("private long next%d = %dL;", cursor, EntityState.NEVER);
      add("private long position%d;", cursor);
      add("private long[] rows%d;", cursor);
    }
    for (int at = firstTotal(); at < shape.words; at++) {
      add("private long total%d;", at);
    }
    byNumber("long next", "next", 0, shape.cursors);
    byNumber("long position", "position", 0, shape.cursors);
    byNumber("long[] rows", "rows", 0, shape.cursors);
    byNumber("long total", "total", firstTotal(), shape.words);
    stand();
    standBefore();
    totals();
    add("void encode(Fact fact, int index, int capacity, long[] chunk) {");
    add("int at = index * %d;", shape.stride);
    askForRows();
    encode();
    add("}");
    add("void forward(ChunkStore chunks) {");
    add("long asOf = this.asOf;");
    add("long pruned = this.prunedTime;");
    for (int cursor = 0; cursor < shape.cursors; cursor++) {
      forward(cursor);
    }
    add("}");
    add("void answerAll(Object[] into, int from, ChunkStore chunks) {");
    for (int feature = 0; feature < shape.features.length; feature++) {
      answer(feature);
    }
    add("}");
    add("}");
    return code.toString();
  }

  /** Totals come behind what a state of any layout keeps of its cursors. */
  private int firstTotal() {
    return 2 * shape.cursors;
  }

  private void byNumber(String method, String field, int from, int to) {
    add("%s(int number) {", method);
    add("switch (number) {");
    for (int number = from; number < to; number++) {
      add("case %d: return %s%d;", number, field, number);
    }
    add("default: throw new IndexOutOfBoundsException();");
    add("} }");
  }

  private void stand() {
    add("void stand(int cursor, long next, long position, long[] rows) {");
    add("switch (cursor) {");
    for (int cursor = 0; cursor < shape.cursors; cursor++) {
      add("case %d:", cursor);
      stand(cursor, "next");
      add("return;");
    }
    add("default: throw new IndexOutOfBoundsException();");
    add("} }");
  }

  private void stand(int cursor, String next) {
    add("next%d = %s;", cursor, next);
    add("position%d = position;", cursor);
    // Written only if it is another: for the garbage collector that is more than a store.
    add("if (rows%d != rows) rows%d = rows;", cursor, cursor);
  }

  private void standBefore() {
    add("void standBefore(long time, long position, long[] rows) {");
    for (int cursor = 0; cursor < shape.shifted; cursor++) {
      add("if (next%d == %dL) {", cursor, EntityState.NEVER);
      stand(cursor, "time");
    }
    add("}".repeat(shape.shifted));
    for (int cursor = shape.shifted; cursor < shape.cursors; cursor++) {
      add("if (next%d == %dL) {", cursor, EntityState.NEVER);
      stand(cursor, "time");
      add("}");
    }
    add("}");
  }

  private void totals() {
    add("long[] totals() {");
    add("long[] words = new long[%d];", shape.words);
    for (int at = firstTotal(); at < shape.words; at++) {
      add("words[%d] = total%d;", at, at);
    }
    add("return words;");
    add("}");
    add("void setTotals(long[] words) {");
    for (int at = firstTotal(); at < shape.words; at++) {
      add("total%d = words[%d];", at, at);
    }
    add("}");
  }

  /**
   * Reads all rows that are about to be written and passed, which lie in as many places of memory,
   * before anything depends on what is in them: then the processor waits for all of them at once
   * and not for one after another. What was read is compared so that it is not left out.
   */
  private void askForRows() {
    for (int cursor = 0; cursor < shape.cursors; cursor++) {
      add("if (rows%d != null", cursor);
      add("&& rows%d[(int) position%d * %d] > next%d)", cursor, cursor, shape.stride, cursor);
      add("throw otherChunk();");
    }
    add("if (chunk[at] != %dL) throw otherChunk();", StateShape.NO_TIME);
  }

  private void encode() {
    boolean oneWord = shape.presenceWord == shape.metaWord;
    add("long presence = fact.deleted ? 0L : %dL;", shape.live);
    for (int column = 0; column < shape.valueWord.length; column++) {
      add("Object value%d = fact.values[%d];", column, column);
      add("if (value%d != null) presence |= %dL;", column, 1L << column);
      if (shape.valueWord[column] >= 0) {
        ColumnType type = shape.columnTypes[column];
        String boxed = type.javaClass().getSimpleName();
        String value = text("((%s) value%d)", boxed, column);
        String word =
            switch (type) {
              case DOUBLE -> text("Double.doubleToLongBits(%s.doubleValue())", value);
              case BOOLEAN -> text("(%s.booleanValue() ? 1L : 0L)", value);
              default -> text("%s.longValue()", value);
            };
        add(
            "if (value%d instanceof %s) chunk[at + %d] = %s;",
            column, boxed, shape.valueWord[column], word);
        add("else if (value%d == null) chunk[at + %d] = 0L;", column, shape.valueWord[column]);
        add("else throw shape.wrongType(%d, value%d);", column, column);
      }
    }
    add("chunk[at + %d] = fact.time;", StateShape.TIME);
    if (oneWord) {
      add("chunk[at + %d] = (long) fact.partition << 32", shape.metaWord);
      add(
          "| (fact.filterBits & %dL) << %d | presence;",
          shape.filterMaskOfAll(), shape.filterShift);
    } else {
      add("chunk[at + %d] = (long) fact.partition << 32;", shape.metaWord);
      add("chunk[at + %d] = presence;", shape.presenceWord);
      add("chunk[at + %d] = fact.filterBits;", shape.filterWord);
    }
    add("int origin = capacity * %d + 1 + index * %d;", shape.stride, shape.originStride);
    add("chunk[origin + %d] = fact.offset;", StateShape.OFFSET);
    if (shape.idHashWord >= 0) {
      add("chunk[origin + %d] = fact.idHash;", shape.idHashWord);
    }
    if (shape.payloadWord >= 0) {
      add("chunk[origin + %d] = fact.payloadHash;", shape.payloadWord);
    }
  }

  private void forward(int cursor) {
    if (shape.isShifted(cursor)) {
      add("{ long target = Math.max(asOf - %dL, pruned);", shape.shift(cursor));
    } else {
      add("{ long target = target(%d);", cursor);
    }
    add("while (next%d <= target) {", cursor);
    add("long position = position%d;", cursor);
    add("long[] rows = rows%d;", cursor);
    add("if (rows == null) rows = rows(%d, chunks);", cursor);
    add("int at = (int) position * %d;", shape.stride);
    add("int passed = 0;");
    add("long next;");
    add("do {");
    for (StateShape.Total total : shape.totals[cursor]) {
      if (!total.countsAll()) {
        pass(total);
      }
    }
    add("passed++;");
    add("at += %d;", shape.stride);
    add("next = rows[at + %d];", StateShape.TIME);
    add("} while (next <= target);");
    for (StateShape.Total total : shape.totals[cursor]) {
      if (total.countsAll()) {
        add("total%d += passed;", total.at());
      }
    }
    add("next%d = next;", cursor);
    add("position%d = position + passed;", cursor);
    if (cursor == 0) {
      add("causePartition = (int) (rows[at + %d] >> 32);", shape.metaWord - shape.stride);
      add(
          "int capacity = rows == tailWords ? tailCapacity : rows.length / %d;",
          shape.wordsPerFact);
      add("int newest = (int) position + passed - 1;");
      add(
          "causeOffset = rows[capacity * %d + %d + newest * %d];",
          shape.stride, 1 + StateShape.OFFSET, shape.originStride);
    }
    add("if (next == %dL && (int) (position >> 32) != tailChunk)", StateShape.NO_TIME);
    add("toNextChunk(%d, chunks);", cursor);
    add("} }");
  }

  private void pass(StateShape.Total total) {
    if (shape.presenceWord == shape.filterWord) {
      add(
          "if ((~rows[at + %d] & %dL) == 0L) {",
          shape.presenceWord, total.presence() | total.filter());
    } else {
      add(
          "if ((~rows[at + %d] & %dL | ~rows[at + %d] & %dL) == 0L) {",
          shape.presenceWord, total.presence(), shape.filterWord, total.filter());
    }
    add("total%d++;", total.at());
    int sum = total.at() + 1;
    switch (total.kind()) {
      case StateShape.SMALL_INTEGER -> add("total%d += rows[at + %d];", sum, total.valueWord());
      case StateShape.INTEGER -> {
        add("long low = rows[at + %d];", total.valueWord());
        add("long sum = total%d + low;", sum);
        add("total%d += (low >> 63) + ExactSum.carry(total%d, low, sum);", sum + 1, sum);
        add("total%d = sum;", sum);
      }
      case StateShape.REAL -> passReal(total, sum);
      default -> {} // A count has no sum.
    }
    add("}");
  }

  private void passReal(StateShape.Total total, int sum) {
    add("double number = Double.longBitsToDouble(rows[at + %d]);", total.valueWord());
    add("int shift = ExactSum.narrowShift(number);");
    add("if (shift < 0) {");
    add("passWide(%d, number, 1);", total.wide());
    add("} else {");
    add("long digits = ExactSum.narrowDigits(number);");
    add("long low = ExactSum.low(digits, shift);");
    add("long middle = ExactSum.middle(digits, shift);");
    add("long sum0 = total%d + low;", sum);
    add("long sum1 = total%d + middle + ExactSum.carry(total%d, low, sum0);", sum + 1, sum);
    add(
        "total%d += ExactSum.high(digits, shift) + ExactSum.carry(total%d, middle, sum1);",
        sum + 2, sum + 1);
    add("total%d = sum0;", sum);
    add("total%d = sum1;", sum + 1);
    add("}");
  }

  private void answer(int f) {
    StateShape.Feature feature = shape.features[f];
    boolean fromTotals = feature.evaluation() == StateShape.BY_TOTALS && feature.tiles() < 0;
    String value =
        !fromTotals
            ? null
            : switch (feature.aggregate()) {
              case COUNT -> "Long.valueOf(count)";
              case SUM -> text("Double.valueOf(%s)", sum(feature));
              case AVG -> text("Double.valueOf(%s / count)", sum(feature));
              default -> null;
            };
    if (value == null) {
      add("into[from + %d] = value(shape.features[%d], chunks);", f, f);
      return;
    }
    add("{ long count = total%d - total%d;", feature.newAt(), feature.oldAt());
    add("if (count != 0L) into[from + %d] = %s;", f, value);
    add("else into[from + %d] = shape.features[%d].empty(); }", f, f);
  }

  private static String sum(StateShape.Feature feature) {
    int minuend = feature.newAt() + 1;
    int subtrahend = feature.oldAt() + 1;
    return switch (feature.kind()) {
      case StateShape.SMALL_INTEGER -> text("((double) (total%d - total%d))", minuend, subtrahend);
      case StateShape.INTEGER ->
          text(
              "ExactSum.integerDifference(%s, %s)",
              words(minuend, ExactSum.INTEGER_WORDS), words(subtrahend, ExactSum.INTEGER_WORDS));
      default ->
          text(
              "(wide == null ? ExactSum.narrowDifference(%s, %s) : wideSum(%d, %d, %d, %d))",
              words(minuend, ExactSum.NARROW_WORDS),
              words(subtrahend, ExactSum.NARROW_WORDS),
              minuend,
              subtrahend,
              feature.newWide(),
              feature.oldWide());
    };
  }

  private static String words(int first, int count) {
    return IntStream.range(first, first + count)
        .mapToObj(at -> "total" + at)
        .collect(Collectors.joining(", "));
  }

  private void add(String line, Object... arguments) {
    code.append(text(line, arguments)).append('\n');
  }

  /** Digits of a program are the same wherever it runs. */
  private static String text(String format, Object... arguments) {
    return String.format(Locale.ROOT, format, arguments);
  }
}

package dev.tailwater.kernel;

import dev.tailwater.schemas.ColumnType;
import java.io.IOException;
import java.io.StringReader;
import java.lang.invoke.MethodHandles;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import org.codehaus.commons.compiler.CompileException;
import org.codehaus.janino.SimpleCompiler;

/**
 * Writes {@link LayoutCode} as Java, and compiles it with Janino, which compiles the expressions of
 * a project too. Loops over cursors and totals spend their time on finding out what to add where,
 * and a processor that is busy with that does not get to the next fact's memory. Databases do the
 * same with queries (T. Neumann, <a
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

  private static final String CLASS = "CompiledLayout";
  private static final int MOST_KEPT = 256;

  /**
   * Code by its text: the tasks of a job have layouts of their own, which are equal, and the JVM
   * calls what has few implementations faster.
   */
  private static final Map<String, LayoutCode> KEPT =
      new LinkedHashMap<>() {
        @Override
        protected boolean removeEldestEntry(Map.Entry<String, LayoutCode> eldest) {
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
   * The code of a layout that {@linkplain #canCompile can be compiled}: some tens of milliseconds,
   * and tenths of a second for the first one in a JVM.
   */
  static LayoutCode compile(StateShape shape) {
    String source = new LayoutCompiler(shape).source();
    synchronized (KEPT) {
      return KEPT.computeIfAbsent(source, LayoutCompiler::compile);
    }
  }

  private static LayoutCode compile(String source) {
    try {
      SimpleCompiler compiler = new SimpleCompiler();
      compiler.setParentClassLoader(LayoutCompiler.class.getClassLoader());
      compiler.cook(CLASS, new StringReader(source));
      Map<String, byte[]> classes = compiler.getBytecodes();
      byte[] bytes = classes.get(LayoutCompiler.class.getPackageName() + "." + CLASS);
      // Hidden: a class of this package, one of many of this name, that goes when nothing uses it.
      Class<?> compiled = MethodHandles.lookup().defineHiddenClass(bytes, true).lookupClass();
      return (LayoutCode) compiled.getDeclaredConstructor().newInstance();
    } catch (CompileException | IOException | ReflectiveOperationException e) {
      throw new IllegalStateException(
          "Code that was made for a state does not compile; please report it, with this text%n%s"
              .formatted(source),
          e);
    }
  }

  private String source() {
    add("package %s;", LayoutCompiler.class.getPackageName());
    add("final class %s extends LayoutCode {", CLASS);
    add("void encode(StateShape shape, Fact fact, int index, int capacity, long[] chunk) {");
    encode();
    add("}");
    add("void forward(EntityState state, ChunkStore chunks) {");
    add("long[] words = state.words;");
    add("long[][] standing = state.standing;");
    add("long asOf = state.asOf;");
    add("long pruned = state.prunedTime;");
    for (int cursor = 0; cursor < shape.cursors; cursor++) {
      forward(cursor);
    }
    add("}");
    add("void answer(EntityState state, Object[] into, int from, ChunkStore chunks) {");
    add("long[] words = state.words;");
    for (int feature = 0; feature < shape.features.length; feature++) {
      answer(feature);
    }
    add("}");
    add("}");
    return code.toString();
  }

  private void encode() {
    boolean oneWord = shape.presenceWord == shape.metaWord;
    add("int at = index * %d;", shape.stride);
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
    int position = shape.cursors + cursor;
    if (shape.isShifted(cursor)) {
      add("{ long target = Math.max(asOf - %dL, pruned);", shape.shift(cursor));
    } else {
      add("{ long target = state.target(%d);", cursor);
    }
    add("while (words[%d] <= target) {", cursor);
    add("long position = words[%d];", position);
    add("long[] rows = standing[%d];", cursor);
    add("if (rows == null) rows = state.standing(%d, chunks);", cursor);
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
        add("words[%d] += passed;", total.at());
      }
    }
    add("words[%d] = next;", cursor);
    add("words[%d] = position + passed;", position);
    if (cursor == 0) {
      add("state.causePartition = (int) (rows[at + %d] >> 32);", shape.metaWord - shape.stride);
      add(
          "int capacity = rows == state.tailWords ? state.tailCapacity : rows.length / %d;",
          shape.wordsPerFact);
      add("int newest = (int) position + passed - 1;");
      add(
          "state.causeOffset = rows[capacity * %d + %d + newest * %d];",
          shape.stride, 1 + StateShape.OFFSET, shape.originStride);
    }
    add("if (next == %dL && (int) (position >> 32) != state.tailChunk)", StateShape.NO_TIME);
    add("state.toNextChunk(%d, chunks);", cursor);
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
    add("words[%d]++;", total.at());
    int sum = total.at() + 1;
    switch (total.kind()) {
      case StateShape.SMALL_INTEGER -> add("words[%d] += rows[at + %d];", sum, total.valueWord());
      case StateShape.INTEGER ->
          add("ExactSum.addInteger(words, %d, rows[at + %d]);", sum, total.valueWord());
      case StateShape.REAL -> {
        add("double number = Double.longBitsToDouble(rows[at + %d]);", total.valueWord());
        add(
            "if (!ExactSum.addNarrow(words, %d, number)) state.passWide(%d, number, 1);",
            sum, total.wide());
      }
      default -> {} // A count has no sum.
    }
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
      add("into[from + %d] = state.value(state.shape.features[%d], chunks);", f, f);
      return;
    }
    add("{ long count = words[%d] - words[%d];", feature.newAt(), feature.oldAt());
    add("if (count != 0L) into[from + %d] = %s;", f, value);
    add("else into[from + %d] = state.shape.features[%d].empty(); }", f, f);
  }

  private static String sum(StateShape.Feature feature) {
    int minuend = feature.newAt() + 1;
    int subtrahend = feature.oldAt() + 1;
    return switch (feature.kind()) {
      case StateShape.SMALL_INTEGER ->
          text("((double) (words[%d] - words[%d]))", minuend, subtrahend);
      case StateShape.INTEGER ->
          text("ExactSum.integerDifference(words, %d, %d)", minuend, subtrahend);
      default ->
          text(
              "state.realSum(%d, %d, %d, %d)",
              minuend, subtrahend, feature.newWide(), feature.oldWide());
    };
  }

  private void add(String line, Object... arguments) {
    code.append(text(line, arguments)).append('\n');
  }

  /** Digits of a program are the same wherever it runs. */
  private static String text(String format, Object... arguments) {
    return String.format(Locale.ROOT, format, arguments);
  }
}

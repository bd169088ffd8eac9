package dev.tailwater.schemas;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.exc.InputCoercionException;
import java.io.IOException;
import org.jspecify.annotations.Nullable;

/** Reads the envelope of a change, bare or as the payload beside its schema. */
final class DebeziumJsonDecoder implements RecordDecoder {

  /** Stands in a row for a long text that the change left alone and the database did not send. */
  static final String UNAVAILABLE = "__debezium_unavailable_value";

  private static final String REMEDY =
      "set REPLICA IDENTITY FULL on the table, so that every change carries the whole row before"
          + " it";

  private final RecordSchema schema;
  private final JsonRecordDecoder rows;

  // The parts of the current record.
  private @Nullable String operation;
  private @Nullable Object @Nullable [] before;
  private @Nullable Object @Nullable [] after;
  private @Nullable String incompleteBefore;
  private long changedAt;
  private boolean sawOperation;
  private boolean sawBefore;
  private boolean sawAfter;
  private boolean sawTime;

  DebeziumJsonDecoder(RecordSchema schema) {
    this.schema = schema;
    this.rows = new JsonRecordDecoder(schema, true);
  }

  @Override
  public @Nullable Object[] decode(byte[] record) throws UndecodableRecordException {
    @Nullable Object @Nullable [] row = decodeChange(record).after();
    if (row == null) {
      throw new UndecodableRecordException("the change leaves no row: it can only be retracted");
    }
    return row;
  }

  @Override
  public RowChange decodeChange(byte[] record) throws UndecodableRecordException {
    RecordFormat.requireBounded(record);
    clear();
    try (JsonParser parser = Json.FACTORY.createParser(record)) {
      Json.requireObject(parser);
      boolean payload = envelope(parser, true);
      Json.requireEnd(parser);
      if (payload && !sawOperation && !sawBefore && !sawAfter) {
        // A tombstone with its schema: the payload is null.
        return nothing();
      }
    } catch (IOException e) {
      throw Json.malformed(e);
    }
    return change();
  }

  private void clear() {
    operation = null;
    before = null;
    after = null;
    incompleteBefore = null;
    changedAt = Long.MAX_VALUE;
    sawOperation = false;
    sawBefore = false;
    sawAfter = false;
    sawTime = false;
  }

  /**
   * Reads the envelope that the parser has entered.
   *
   * @return whether it was only the wrapper of a payload that is null
   */
  private boolean envelope(JsonParser parser, boolean outer)
      throws IOException, UndecodableRecordException {
    boolean nullPayload = false;
    int depth = parser.getParsingContext().getNestingDepth();
    for (String name = parser.nextFieldName(); name != null; name = parser.nextFieldName()) {
      JsonToken token = parser.nextToken();
      switch (name) {
        case "payload" -> {
          if (outer && token == JsonToken.START_OBJECT) {
            envelope(parser, false);
          } else {
            nullPayload = outer && token == JsonToken.VALUE_NULL;
            parser.skipChildren();
          }
        }
        case "op" -> {
          requireFirst(sawOperation, name);
          sawOperation = true;
          operation = token == JsonToken.VALUE_STRING ? parser.getText() : Json.words(token);
          parser.skipChildren();
        }
        case "before" -> {
          requireFirst(sawBefore, name);
          sawBefore = true;
          readBefore(parser, token, depth);
        }
        case "after" -> {
          requireFirst(sawAfter, name);
          sawAfter = true;
          after = row(parser, token, name);
        }
        case "ts_ms" -> {
          requireFirst(sawTime, name);
          sawTime = true;
          readTime(parser, token);
        }
        default -> parser.skipChildren();
      }
    }
    return nullPayload;
  }

  private static void requireFirst(boolean seen, String name) throws UndecodableRecordException {
    if (seen) {
      throw new UndecodableRecordException(name + " stands twice in the envelope");
    }
  }

  private @Nullable Object @Nullable [] row(JsonParser parser, JsonToken token, String name)
      throws IOException, UndecodableRecordException {
    if (token == JsonToken.VALUE_NULL) {
      return null;
    }
    if (token != JsonToken.START_OBJECT) {
      throw new UndecodableRecordException(
          name + " is " + Json.words(token) + ", but it must be a row: a JSON object");
    }
    return rows.row(parser, (inside, ignored) -> inside.skipChildren());
  }

  /**
   * Reads the row before the change in the envelope at this depth; one that is not complete is only
   * kept as a reason, because {@code op} may stand behind it and need no such row.
   */
  private void readBefore(JsonParser parser, JsonToken token, int depth)
      throws IOException, UndecodableRecordException {
    try {
      before = row(parser, token, "before");
    } catch (UndecodableRecordException e) {
      incompleteBefore = e.getMessage();
      while (parser.getParsingContext().getNestingDepth() > depth) {
        parser.nextToken();
      }
    }
  }

  private void readTime(JsonParser parser, JsonToken token)
      throws IOException, UndecodableRecordException {
    if (token == JsonToken.VALUE_NUMBER_INT) {
      try {
        changedAt = parser.getLongValue();
      } catch (InputCoercionException e) {
        throw new UndecodableRecordException(
            "ts_ms is " + Text.shown(parser.getText()) + ", which does not fit 64 bits");
      }
    } else {
      parser.skipChildren();
    }
  }

  private RowChange change() throws UndecodableRecordException {
    String op = operation;
    if (op == null) {
      throw new UndecodableRecordException(
          "the envelope has no op; a change says c, r, u, d or t there."
              + " Records without an envelope are read with format: json");
    }
    return switch (op) {
      case "c", "r" -> new RowChange(RowChange.Kind.INSERT, null, required(op), changedAt);
      case "u" -> update(requiredBefore(op), required(op));
      case "d" -> new RowChange(RowChange.Kind.DELETE, requiredBefore(op), null, changedAt);
      case "m" -> nothing();
      case "t" ->
          throw new UndecodableRecordException(
              "the table was truncated (op t): its rows are not named, so none can be retracted;"
                  + " delete the rows instead, or replay the stream from a new snapshot");
      default ->
          throw new UndecodableRecordException(
              "op is " + Text.shown(op) + ", but a change says c, r, u, d, t or m");
    };
  }

  private static RowChange nothing() {
    return new RowChange(RowChange.Kind.NOTHING, null, null, Long.MAX_VALUE);
  }

  private @Nullable Object[] required(String op) throws UndecodableRecordException {
    @Nullable Object @Nullable [] row = after;
    if (row == null) {
      throw new UndecodableRecordException("op is " + op + ", but the change has no row after it");
    }
    return row;
  }

  private @Nullable Object[] requiredBefore(String op) throws UndecodableRecordException {
    @Nullable Object @Nullable [] row = before;
    if (row == null) {
      throw new UndecodableRecordException(
          "op is "
              + op
              + ", but the row before the change is "
              + (incompleteBefore == null ? "missing" : "not complete (" + incompleteBefore + ")")
              + "; "
              + REMEDY);
    }
    for (int i = 0; i < row.length; i++) {
      if (UNAVAILABLE.equals(row[i])) {
        throw new UndecodableRecordException(
            "column "
                + schema.columns().get(i).name()
                + " of the row before the change was not sent by the database; "
                + REMEDY);
      }
    }
    return row;
  }

  /** A text that the change left alone is the one before it. */
  private RowChange update(@Nullable Object[] old, @Nullable Object[] row) {
    for (int i = 0; i < row.length; i++) {
      if (UNAVAILABLE.equals(row[i])) {
        row[i] = old[i];
      }
    }
    return new RowChange(RowChange.Kind.UPDATE, old, row, changedAt);
  }
}

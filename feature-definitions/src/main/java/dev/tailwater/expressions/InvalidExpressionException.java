package dev.tailwater.expressions;

import java.util.Optional;

/** An expression that cannot be compiled, and where in its text the reason is. */
public final class InvalidExpressionException extends IllegalArgumentException {

  private final int line;
  private final int column;
  private final String reason;
  private final String nextStep;
  private final Optional<String> unknownColumn;

  InvalidExpressionException(int line, int column, String reason, String nextStep) {
    this(line, column, reason, nextStep, Optional.empty());
  }

  InvalidExpressionException(
      int line, int column, String reason, String nextStep, Optional<String> unknownColumn) {
    super(
        (line > 0 ? "at line " + line + ", column " + column + ": " : "")
            + reason
            + (nextStep.isEmpty() ? "" : "; " + nextStep));
    this.line = line;
    this.column = column;
    this.reason = reason;
    this.nextStep = nextStep;
    this.unknownColumn = unknownColumn;
  }

  /** The line in the expression, from 1; 0 if the reason has no place. */
  public int line() {
    return line;
  }

  /** The column in the line, from 1; 0 if the reason has no place. */
  public int column() {
    return column;
  }

  /** What is wrong, without its place. */
  public String reason() {
    return reason;
  }

  /** What to do about it; may be empty. */
  public String nextStep() {
    return nextStep;
  }

  /** The name that is not a column, if that is the reason. */
  public Optional<String> unknownColumn() {
    return unknownColumn;
  }
}

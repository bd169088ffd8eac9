package dev.tailwater.kernel;

import java.io.Serializable;

/**
 * An aggregate with its arguments.
 *
 * @param column position in the state layout's columns, or -1 if every fact counts
 * @param second position of a second column, or -1: what RATIO divides by, and whose smallest and
 *     largest values ARGMIN and ARGMAX look for
 * @param by position of the column whose values keep COUNT, SUM, AVG, MIN or MAX apart, as a map
 *     from the text of each value; -1 if they are not kept apart
 * @param limit how many values a list has at most, how many values LAG goes back, or how many keys
 *     a map has: those of the most facts, of equally many the smaller text; 0 where it has no
 *     meaning
 * @param parameter the fraction of a quantile, the half-life of DECAY or the unit of RATE in
 *     milliseconds; 0 where it has no meaning
 */
public record Aggregation(
    Aggregate function, int column, int second, int by, int limit, double parameter)
    implements Serializable {

  /** An aggregate that needs no more than a column. */
  public static Aggregation of(Aggregate function, int column) {
    return new Aggregation(function, column, -1, -1, 0, 0);
  }
}

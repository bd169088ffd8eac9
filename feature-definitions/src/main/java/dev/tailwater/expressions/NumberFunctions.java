package dev.tailwater.expressions;

import org.apache.calcite.runtime.SqlFunctions;

/**
 * SQL's functions of numbers that are not simply Java's. Public because generated code calls them;
 * what they mean is said in {@code docs/expressions.md}.
 */
public final class NumberFunctions {

  /** Beyond, every number is 0 or has no such digit. */
  private static final int MAX_DIGITS = 400;

  private NumberFunctions() {}

  public static double log(double number) {
    return Math.log(number);
  }

  public static double log(double base, double number) {
    return Math.log(number) / Math.log(base);
  }

  public static double log2(double number) {
    return Math.log(number) / Math.log(2);
  }

  public static double ln(double number) {
    return Math.log(number);
  }

  public static double log10(double number) {
    return Math.log10(number);
  }

  public static double e() {
    return Math.E;
  }

  public static double pi() {
    return Math.PI;
  }

  public static double power(double base, double exponent) {
    return Math.pow(base, exponent);
  }

  public static double atan2(double y, double x) {
    return Math.atan2(y, x);
  }

  /** The shortest decimal of a number, rounded half away from zero; what has none stays. */
  public static double round(double number, int digits) {
    return Double.isFinite(number) ? SqlFunctions.sround(number, digits(digits)) : number;
  }

  /** The shortest decimal of a number, cut off; what has none stays. */
  public static double truncate(double number, int digits) {
    return Double.isFinite(number) ? SqlFunctions.struncate(number, digits(digits)) : number;
  }

  /** As many digits as there can be: Calcite's code would compute that power of ten. */
  public static int digits(int digits) {
    return Math.max(-MAX_DIGITS, Math.min(MAX_DIGITS, digits));
  }

  /** The two's complement in binary digits. */
  public static String bin(long number) {
    return Long.toBinaryString(number);
  }

  public static boolean isNan(double number) {
    return Double.isNaN(number);
  }

  public static boolean isInf(double number) {
    return Double.isInfinite(number);
  }
}

package dev.tailwater.benchmarks;

import java.nio.file.Path;
import java.util.List;

/**
 * One way to compute the fraud table's windowed features, see {@link FraudFeatures}. {@link
 * FraudBench} runs each contender once in a JVM of its own.
 */
interface Contender {

  /** Names it on the command line and in the table. */
  String name();

  /**
   * Reads the transactions and computes every feature of every one of them.
   *
   * @param csv a CSV file with a header, plain or gzipped
   */
  Result run(Path csv) throws Exception;

  /** What its JVM is started with, besides the heap that all have. */
  default List<String> jvmOptions() {
    return List.of();
  }

  /**
   * What a run did.
   *
   * @param jobSeconds from the first byte read to the last feature computed, in a started JVM
   * @param featureSeconds the part of it after reading, or NaN where reading and computing overlap
   * @param checksum the sum of all features of all rows, or NaN if the contender throws them away
   */
  record Result(double jobSeconds, double featureSeconds, double checksum) {}
}

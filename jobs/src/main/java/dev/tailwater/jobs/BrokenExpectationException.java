package dev.tailwater.jobs;

import org.apache.flink.runtime.throwable.ThrowableAnnotation;
import org.apache.flink.runtime.throwable.ThrowableType;

/** A record broke an expectation that was declared with {@code else: fail}: the job ends. */
@ThrowableAnnotation(ThrowableType.NonRecoverableError)
final class BrokenExpectationException extends RuntimeException {

  BrokenExpectationException(String stream, String expectation, int partition, long offset) {
    super(
        "stream "
            + stream
            + ": the record at partition "
            + partition
            + ", offset "
            + offset
            + " breaks the expectation "
            + expectation
            + ", which is declared to fail the job; correct the record's producer, or choose"
            + " quarantine, drop or warn");
  }
}

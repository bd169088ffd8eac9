package dev.tailwater.jobs;

import org.apache.flink.api.common.functions.RuntimeContext;
import org.apache.flink.metrics.Counter;

/** The counters of the jobs, in the metric group {@code tailwater} of each operator. */
enum Metric {
  /** Records that passed the checks of their stream. */
  ACCEPTED_RECORDS("acceptedRecords"),
  /** Records that became dead letters. */
  DEAD_LETTERS("deadLetters"),
  /** Records left out by an expectation with {@code else: drop}. */
  DROPPED_RECORDS("droppedRecords"),
  /** Records that broke an expectation with {@code else: warn}. */
  WARNED_RECORDS("warnedRecords"),
  /** Expressions that had no value for a record, and were NULL, or a broken expectation. */
  FAILED_EXPRESSIONS("failedExpressions"),
  /** Records of a changelog that say nothing: tombstones behind deletions, and messages. */
  EMPTY_RECORDS("emptyRecords"),
  /** Facts inserted into an entity's state. */
  FACTS_APPLIED("factsApplied"),
  /** Facts whose event id the entity had already seen at that event time. */
  DUPLICATE_FACTS("duplicateFacts"),
  /** Facts with the id and event time of another, but another payload: dead letters. */
  CONFLICTING_FACTS("conflictingFacts"),
  /** Facts older than everything that an entity still remembers: dead letters. */
  FORGOTTEN_FACTS("forgottenFacts"),
  /** Facts behind the watermark that were still accepted, and repaired what they changed. */
  LATE_FACTS("lateFacts"),
  /** Questions answered by an entity. */
  QUESTIONS_ANSWERED("questionsAnswered"),
  /** Questions about an instant that an entity can no longer answer. */
  QUESTIONS_TOO_OLD("questionsTooOld"),
  /** Feature rows emitted to the stores. */
  FEATURE_ROWS("featureRows"),
  /** Questions the model answered in time. */
  SCORED("scored"),
  /** Questions answered with the fallback. */
  FALLBACKS("fallbacks"),
  /** Questions that no model was asked, because they cannot be answered. */
  REJECTED("rejected"),
  /** Records of a stream that the archive wrote to the raw table. */
  ARCHIVED_RECORDS("archivedRecords"),
  /** Those of them that could not be decoded. */
  UNREADABLE_RECORDS("unreadableRecords"),
  /** Records that the archive read again after a restart, and its table already held. */
  ALREADY_ARCHIVED("alreadyArchivedRecords"),
  /** Prediction records that the archive had already seen. */
  DUPLICATE_PREDICTIONS("duplicatePredictions"),
  /** Online rows of the sample that were compared with the final row of their instant. */
  VERIFY_ROWS_CHECKED("verifyRowsChecked"),
  /** Those that differ, in one group {@code cause} for each reason. */
  VERIFY_ROWS_DIFFERENT("verifyRowsDifferent");

  private final String id;

  Metric(String id) {
    this.id = id;
  }

  /** The counter of what has one cause, in a group of its own. */
  Counter counter(RuntimeContext context, String cause) {
    return context.getMetricGroup().addGroup("tailwater").addGroup("cause", cause).counter(id);
  }

  Counter counter(RuntimeContext context) {
    return context.getMetricGroup().addGroup("tailwater").counter(id);
  }
}

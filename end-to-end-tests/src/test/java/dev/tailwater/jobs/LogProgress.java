package dev.tailwater.jobs;

import dev.tailwater.connectors.log.EventTimeWatermarks;
import dev.tailwater.connectors.log.LogRecord;
import dev.tailwater.plan.StreamPlan;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * How far a live run has come, so that its sources can wait for it: each record of a log of one
 * stream comes when the clock is where those before it bring it, so that every run is the same.
 * Thread-safe.
 */
final class LogProgress {

  private static final int LIMIT_SECONDS = 120;

  /** An instant before that of any event. */
  private static final long BEFORE_ALL = Long.MIN_VALUE / 2;

  private record Wait(long watermark, int answers, CompletableFuture<Boolean> over) {}

  private final List<Wait> waits = new ArrayList<>();
  private long watermark = Long.MIN_VALUE;
  private int answers;

  /** The job's last operator has come to this instant. */
  void reached(long instant) {
    synchronized (waits) {
      watermark = Math.max(watermark, instant);
    }
    wake();
  }

  /** The job has answered, or refused to, once more. */
  void answered() {
    synchronized (waits) {
      answers++;
    }
    wake();
  }

  /**
   * Until the clock is at an instant and so many questions are answered; with false if that takes
   * minutes, because it never happens then.
   */
  CompletableFuture<Boolean> until(long instant, int questions) {
    CompletableFuture<Boolean> over = new CompletableFuture<>();
    synchronized (waits) {
      waits.add(new Wait(instant, questions, over));
    }
    wake();
    return over.isDone() ? over : over.completeOnTimeout(false, LIMIT_SECONDS, TimeUnit.SECONDS);
  }

  private void wake() {
    List<Wait> over = new ArrayList<>();
    synchronized (waits) {
      for (Iterator<Wait> wait = waits.iterator(); wait.hasNext(); ) {
        Wait next = wait.next();
        if (next.watermark <= watermark && next.answers <= answers) {
          over.add(next);
          wait.remove();
        }
      }
    }
    over.forEach(wait -> wait.over.complete(true));
  }

  /**
   * The records of a stream that begins when all is asked: until then no question can be older than
   * the clock. A watermark of all sources that hold it back tells that, once it is there: it comes
   * behind the questions.
   */
  GivenRecords.Pace afterQuestions() {
    return new GivenRecords.Pace() {
      @Override
      public CompletableFuture<Boolean> after(int read) {
        return read == 0 ? until(BEFORE_ALL, 0) : GivenRecords.Pace.someWatermarks();
      }

      @Override
      public OptionalLong firstWatermark() {
        return OptionalLong.of(BEFORE_ALL);
      }
    };
  }

  /** The records of the only stream with any, which stays open until the questions are answered. */
  GivenRecords.Pace eachInItsTime(long[] clocks, int questions) {
    return new OpenEnded() {
      @Override
      public CompletableFuture<Boolean> after(int read) {
        return until(clocks[read], read == clocks.length - 1 ? questions : 0);
      }
    };
  }

  /** The records of one of several streams, which stays open until the questions are answered. */
  GivenRecords.Pace besideOthers(int records, int questions) {
    return new OpenEnded() {
      @Override
      public CompletableFuture<Boolean> after(int read) {
        return read == records
            ? until(Long.MIN_VALUE, questions)
            : read == 0
                ? CompletableFuture.completedFuture(true)
                : GivenRecords.Pace.someWatermarks();
      }
    };
  }

  /** What comes all at once, when the clock is at an instant. */
  GivenRecords.Pace allAt(long instant) {
    return read -> until(instant, 0);
  }

  private interface OpenEnded extends GivenRecords.Pace {
    @Override
    default boolean isOpenEnded() {
      return true;
    }
  }

  /** The watermarks of a stream after so many of its records; the first is after none. */
  static long[] clocks(StreamPlan stream, List<LogRecord> records) {
    Set<Integer> partitions = new HashSet<>();
    records.forEach(record -> partitions.add(record.partition));
    Map<Integer, Long> newest = new HashMap<>();
    long[] clocks = new long[records.size() + 1];
    clocks[0] = Long.MIN_VALUE;
    for (int i = 0; i < records.size(); i++) {
      LogRecord record = records.get(i);
      if (record.eventTime != Long.MIN_VALUE
          && !EventTimeWatermarks.isFuture(record.eventTime, record.appendTime, stream.aheadMs())) {
        newest.merge(record.partition, record.eventTime, Math::max);
      }
      clocks[i + 1] =
          newest.size() < partitions.size()
              ? Long.MIN_VALUE
              : newest.values().stream().mapToLong(at -> at).min().orElseThrow()
                  - stream.disorderMs()
                  - 1;
    }
    return clocks;
  }
}

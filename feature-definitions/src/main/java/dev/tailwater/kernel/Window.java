package dev.tailwater.kernel;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.io.Serializable;
import java.time.ZoneId;

/**
 * Which facts a feature covers at an instant <em>t</em>. All spans are milliseconds; {@code
 * delayMs} is at least 0, and moves the whole window into the past: below, <em>n</em> is t − delay.
 */
public sealed interface Window extends Serializable {

  /** The horizon of a window that may hold facts of any age. */
  long UNBOUNDED_MS = Long.MAX_VALUE / 4;

  long delayMs();

  /** How old a fact can be that the window covers, or {@link #UNBOUNDED_MS}. */
  long horizonMs();

  /** Which edges of a sliding window are part of it. */
  enum Bounds {
    /** {@code (]}: exactly as old as the window is out, exactly now is in. */
    OPEN_CLOSED("(]"),
    /** {@code []}. */
    CLOSED_CLOSED("[]"),
    /** {@code [)}. */
    CLOSED_OPEN("[)"),
    /** {@code ()}. */
    OPEN_OPEN("()");

    private final String text;

    Bounds(String text) {
      this.text = text;
    }

    /** As it is written in a definition. */
    public String text() {
      return text;
    }

    /** Whether the older edge is in. */
    public boolean includesOldest() {
      return this == CLOSED_CLOSED || this == CLOSED_OPEN;
    }

    /** Whether the newer edge is in. */
    public boolean includesNewest() {
      return this == OPEN_CLOSED || this == CLOSED_CLOSED;
    }
  }

  /** A period of the calendar; weeks begin on Monday. */
  enum Period {
    DAY,
    WEEK,
    MONTH
  }

  /**
   * The facts from n − window to n.
   *
   * @param windowMs at least 1
   * @param resolutionMs 0 for the exact window; else the older edge is moved back to a multiple of
   *     it since the epoch, which lets older facts be kept as one summary for each multiple
   */
  record Sliding(long windowMs, long delayMs, long resolutionMs, Bounds bounds) implements Window {
    @Override
    public long horizonMs() {
      return delayMs + windowMs + resolutionMs + (bounds.includesOldest() ? 1 : 0);
    }
  }

  /**
   * The last facts at or before n that pass the feature's filter.
   *
   * @param count at least 1
   */
  record LastEvents(int count, long delayMs) implements Window {
    @Override
    public long horizonMs() {
      return UNBOUNDED_MS;
    }
  }

  /** All facts up to n. */
  record Lifetime(long delayMs) implements Window {
    @Override
    public long horizonMs() {
      return UNBOUNDED_MS;
    }
  }

  /**
   * Whole periods of a time zone's calendar.
   *
   * @param previous 0: the period that n is in, from its start up to n (tumbling). Else this many
   *     complete periods before it (hopping)
   */
  record Calendar(Period period, ZoneId zone, int previous, long delayMs) implements Window {
    @Override
    public long horizonMs() {
      long days =
          switch (period) {
            case DAY -> 1;
            case WEEK -> 7;
            case MONTH -> 31;
          };
      // A day of 25 hours, and a zone that skipped one.
      return delayMs + (days * (previous + 1) + 2) * 86_400_000L;
    }
  }

  /**
   * The last session at or before n: facts that pass the feature's filter, each at most {@code
   * gapMs} after the one before; nothing once more than {@code gapMs} have passed since its last.
   *
   * @param gapMs at least 1
   */
  record Session(long gapMs, long delayMs) implements Window {
    @Override
    public long horizonMs() {
      return UNBOUNDED_MS;
    }
  }

  /** The facts in (t − delay − window, t − delay]. */
  static Window sliding(long windowMs, long delayMs) {
    return new Sliding(windowMs, delayMs, 0, Bounds.OPEN_CLOSED);
  }

  /** Writes the window, in a format of its own. */
  default void write(DataOutput out) throws IOException {
    if (this instanceof Sliding sliding) {
      out.writeByte(1);
      out.writeLong(sliding.windowMs());
      out.writeLong(sliding.resolutionMs());
      out.writeUTF(sliding.bounds().name());
    } else if (this instanceof LastEvents last) {
      out.writeByte(2);
      out.writeInt(last.count());
    } else if (this instanceof Lifetime) {
      out.writeByte(3);
    } else if (this instanceof Calendar calendar) {
      out.writeByte(4);
      out.writeUTF(calendar.period().name());
      out.writeUTF(calendar.zone().getId());
      out.writeInt(calendar.previous());
    } else if (this instanceof Session session) {
      out.writeByte(5);
      out.writeLong(session.gapMs());
    }
    out.writeLong(delayMs());
  }

  /** Reads a window. */
  static Window read(DataInput in) throws IOException {
    byte kind = in.readByte();
    switch (kind) {
      case 1:
        long windowMs = in.readLong();
        long resolutionMs = in.readLong();
        Bounds bounds = Bounds.valueOf(in.readUTF());
        return new Sliding(windowMs, in.readLong(), resolutionMs, bounds);
      case 2:
        int count = in.readInt();
        return new LastEvents(count, in.readLong());
      case 3:
        return new Lifetime(in.readLong());
      case 4:
        Period period = Period.valueOf(in.readUTF());
        ZoneId zone = ZoneId.of(in.readUTF());
        int previous = in.readInt();
        return new Calendar(period, zone, previous, in.readLong());
      case 5:
        long gapMs = in.readLong();
        return new Session(gapMs, in.readLong());
      default:
        throw new IOException("A stored window is of unknown kind " + kind);
    }
  }
}

package dev.tailwater.jobs;

import dev.tailwater.connectors.store.FeatureRow;
import dev.tailwater.jobs.KeyState.WrittenRows;
import dev.tailwater.kernel.EntityState;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.StreamPlan;
import dev.tailwater.plan.ViewPlan;
import java.util.List;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/**
 * When the views of one entity are written, and what: the rows for both stores.
 *
 * <p>A view has a row as of every instant at which a fact counts for the first time, and, because
 * values change by time alone, one as of every <em>refresh</em>: the first multiple of {@code
 * refreshMs} that is not before the end of a row's validity, unless a fact came before it. So the
 * rows of a key are a function of its facts, whatever the order in which these arrived. A row says
 * until when its values hold. Behind that and before the refresh no row covers: there is no value
 * rather than a stale one.
 *
 * <p>What is suppressed is every refresh for which no fact has crossed an edge of a window. A fact
 * that crossed one may leave the values as they were, for instance because it does not pass a
 * filter; that row is written to both stores all the same: it is what continues to cover the
 * offline interval, and what keeps the validity of the online row true.
 *
 * <p>Final rows go to the offline store when the key's clock passes their instant, and to the
 * online store as well if that has nothing newer; on an unsorted input each fact writes an online
 * row at once. No online row is as of an earlier instant than the one before. A fact behind the
 * clock repairs: every final row from its instant on that it can have changed is written again with
 * a higher revision, rows by time alone at all instants at which there ever was one.
 *
 * <p>On sorted input the newest row of a key is for the online store, and time stops at an instant
 * that is chosen: rows are final up to it, and only facts make newer ones. These are the rows that
 * an unsorted input leaves behind whose clock came to the same instant.
 */
final class FeatureRows {

  private static final long[] NO_INSTANTS = {};

  private final List<StreamPlan> streams;
  private final EntityViews views;
  private final boolean sortedInput;
  private final boolean tracked;
  private final long until;
  private final long generation;
  private final Supplier<String> currentKey;
  private final BiConsumer<FeatureRow, Long> output;

  // Instants of the next rows, found by nextDue.
  private final long[] nextRows;

  // On sorted input the newest row of each view of the key that is passing.
  private final @Nullable FeatureRow[] newest;

  /**
   * The rows of one entity.
   *
   * @param until on sorted input the instant at which time stops: no row of a later one is final
   */
  FeatureRows(
      Plan plan,
      EntityViews views,
      boolean sortedInput,
      long until,
      long generation,
      Supplier<String> currentKey,
      BiConsumer<FeatureRow, Long> output) {
    this.streams = plan.streams();
    this.views = views;
    this.sortedInput = sortedInput;
    this.tracked = tracked(views) > 0;
    this.until = sortedInput ? until : Long.MAX_VALUE;
    this.generation = generation;
    this.currentKey = currentKey;
    this.output = output;
    this.nextRows = new long[views.count()];
    this.newest = new FeatureRow[views.count()];
  }

  /** How many views' rows a key's state keeps track of: all or none. */
  static int tracked(EntityViews views) {
    for (int view = 0; view < views.count(); view++) {
      if (views.plan(view).refreshMs() > 0 || EntityViews.isAsKnown(views.plan(view))) {
        return views.count();
      }
    }
    return 0;
  }

  /** Keeps track of a key whose state was written before one of its views was refreshed. */
  void track(KeyState state) {
    KeyState fresh = new KeyState(List.of(), tracked ? views.count() : 0);
    state.rows = fresh.rows;
    for (int view = 0; view < state.rows.length; view++) {
      long instant = Math.max(views.facts(state, view).lastFactTime(), state.clock);
      views.seek(state, view, instant);
      state.rows[view].onlineAsOf = instant;
      state.rows[view].onlineValidUntil = views.nextChange(state, view);
      views.seek(state, view, state.clock);
      state.rows[view].validUntil = views.nextChange(state, view);
    }
  }

  /** The next instant after the key's clock of which a row becomes final. */
  long nextDue(KeyState state) {
    long next = Long.MAX_VALUE;
    for (int view = 0; view < nextRows.length; view++) {
      nextRows[view] = Math.min(views.nextFact(state, view, state.clock), nextRefresh(state, view));
      next = Math.min(next, nextRows[view]);
    }
    return next;
  }

  /** The next instant of a row by time alone. */
  long nextRefresh(KeyState state) {
    long next = Long.MAX_VALUE;
    for (int view = 0; view < state.rows.length; view++) {
      next = Math.min(next, nextRefresh(state, view));
    }
    return next;
  }

  private long nextRefresh(KeyState state, int view) {
    if (!tracked) {
      return Long.MAX_VALUE;
    }
    long refresh = Refresh.at(state.rows[view].validUntil, views.plan(view).refreshMs());
    return refresh <= until ? refresh : Long.MAX_VALUE;
  }

  /**
   * Emits the rows as of the instant that {@link #nextDue} found, or of an earlier one at which
   * facts became known.
   *
   * @param learned per view whether it learned of a fact at the instant
   */
  void emitDue(KeyState state, long instant, boolean[] learned) {
    for (int view = 0; view < nextRows.length; view++) {
      if (nextRows[view] == instant || learned[view]) {
        emitFinal(state, view, instant, 0);
      }
    }
  }

  /** Emits, on sorted input, the newest rows of the key that has passed. */
  void endOfKey() {
    for (int view = 0; view < newest.length; view++) {
      FeatureRow row = newest[view];
      newest[view] = null;
      if (row != null) {
        output.accept(row.forStores(true, row.offline()), row.validFrom());
      }
    }
  }

  /** Which row is the newest shows when the key ends. */
  private void passed(int view, FeatureRow row) {
    FeatureRow before = newest[view];
    newest[view] = row;
    if (before != null && before.offline()) {
      output.accept(before, before.validFrom());
    }
  }

  /** Emits the online row of a view after a fact that it had not known. */
  void emitOnline(KeyState state, int view) {
    long instant = Math.max(views.facts(state, view).lastFactTime(), onlineAsOf(state, view));
    @Nullable Object[] features = views.asOf(state, view, instant);
    emitOnline(state, view, instant, features, views.nextChange(state, view));
  }

  private void emitOnline(
      KeyState state, int view, long instant, @Nullable Object[] features, long validUntil) {
    emit(state, view, instant, features, validUntil, 0, true, false);
    wroteOnline(state, view, instant, validUntil);
  }

  private long onlineAsOf(KeyState state, int view) {
    return tracked ? state.rows[view].onlineAsOf : views.facts(state, view).lastFactTime();
  }

  private void wroteOnline(KeyState state, int view, long instant, long validUntil) {
    if (tracked) {
      state.rows[view].onlineAsOf = instant;
      state.rows[view].onlineValidUntil = validUntil;
    }
  }

  /** Returns until when the row is valid. */
  private long emitFinal(KeyState state, int view, long instant, long revision) {
    @Nullable Object[] features = views.asOf(state, view, instant);
    long validUntil = views.nextChange(state, view);
    boolean online = !sortedInput && instant > onlineAsOf(state, view);
    if (instant <= until) {
      emit(state, view, instant, features, validUntil, revision, online, true);
    } else if (!EntityViews.isAsKnown(views.plan(view))) {
      // A fact ahead of the clock is in the online row at once, unless it is not known yet.
      emit(state, view, instant, features, validUntil, revision, false, false);
    }
    if (tracked) {
      state.rows[view].validUntil = validUntil;
    }
    if (online) {
      wroteOnline(state, view, instant, validUntil);
    }
    return validUntil;
  }

  /**
   * The instants of the final rows by time alone that a fact may change, before it is told: from
   * the instant at which it begins to count up to the key's clock.
   */
  long[] refreshed(KeyState state, int view, long from) {
    long everyMs = views.plan(view).refreshMs();
    if (everyMs == 0) {
      return NO_INSTANTS;
    }
    long until = changedUntil(state, view, from);
    LongStream.Builder instants = LongStream.builder();
    for (long orphan : state.rows[view].orphans) {
      if (orphan >= from && orphan <= until) {
        instants.add(orphan);
      }
    }
    // What follows from the multiple before is the same as if there were a row as of it.
    long instant = from - 1 - Math.floorMod(from - 1, everyMs);
    instant = Math.max(instant, views.earliest(state, view));
    while (instant <= until && instant != Long.MAX_VALUE) {
      views.seek(state, view, instant);
      long refresh = Refresh.at(views.nextChange(state, view), everyMs);
      long fact = views.nextFact(state, view, instant);
      instant = Math.min(refresh, fact);
      if (refresh < fact && refresh >= from && refresh <= until) {
        instants.add(refresh);
      }
    }
    return instants.build().sorted().distinct().toArray();
  }

  /**
   * Emits the final rows that a fact behind the clock changed.
   *
   * @param from the instant at which it begins to count
   * @param refreshed what {@link #refreshed} found before it was told
   */
  void repair(KeyState state, int view, long from, long[] refreshed) {
    long until = changedUntil(state, view, from);
    long everyMs = views.plan(view).refreshMs();
    long newestValidUntil = tracked ? state.rows[view].validUntil : Long.MAX_VALUE;
    LongStream.Builder orphans = LongStream.builder();
    long instant = Math.max(from, views.earliest(state, view));
    long expected = from;
    int next = 0;
    while (instant <= until && instant != Long.MAX_VALUE) {
      long validUntil = emitFinal(state, view, instant, state.revision);
      if (instant != expected) {
        orphans.add(instant);
      }
      while (next < refreshed.length && refreshed[next] <= instant) {
        next++;
      }
      expected = Math.min(views.nextFact(state, view, instant), Refresh.at(validUntil, everyMs));
      instant = next < refreshed.length ? Math.min(expected, refreshed[next]) : expected;
    }
    if (!tracked) {
      return;
    }
    WrittenRows written = state.rows[view];
    if (instant <= state.clock) {
      // The newest row is one that the fact did not change.
      written.validUntil = newestValidUntil;
    }
    for (long orphan : written.orphans) {
      if (orphan < from && orphan >= state.clock - views.latenessMs(view) || orphan > until) {
        orphans.add(orphan);
      }
    }
    written.orphans = orphans.build().sorted().toArray();
  }

  private long changedUntil(KeyState state, int view, long from) {
    ViewPlan plan = views.plan(view);
    long span = plan.horizonMs() + plan.refreshMs();
    return Math.min(state.clock, from > Long.MAX_VALUE - span ? Long.MAX_VALUE : from + span);
  }

  /** The next instant at which an online row changes by time alone. */
  long nextOnlineRefresh(KeyState state) {
    long next = Long.MAX_VALUE;
    for (int view = 0; view < state.rows.length; view++) {
      next =
          Math.min(
              next, Refresh.at(state.rows[view].onlineValidUntil, views.plan(view).refreshMs()));
    }
    return next;
  }

  /** Emits, online only, the newest row by time alone of each view that is due at an instant. */
  void refreshOnline(KeyState state, long until) {
    for (int view = 0; view < state.rows.length; view++) {
      long everyMs = views.plan(view).refreshMs();
      long instant = Refresh.at(state.rows[view].onlineValidUntil, everyMs);
      if (instant > until) {
        continue;
      }
      while (true) {
        @Nullable Object[] features = views.asOf(state, view, instant);
        long validUntil = views.nextChange(state, view);
        long next = Refresh.at(validUntil, everyMs);
        if (next > until) {
          emitOnline(state, view, instant, features, validUntil);
          break;
        }
        instant = next;
      }
    }
  }

  private void emit(
      KeyState state,
      int view,
      long instant,
      @Nullable Object[] features,
      long validUntil,
      long revision,
      boolean online,
      boolean offline) {
    EntityState known = views.facts(state, view);
    Origins origins = views.origins(views.plan(view).lastInput());
    int cause = known.causePartition();
    FeatureRow row =
        new FeatureRow(
            views.position(view),
            currentKey.get(),
            instant,
            validUntil,
            revision,
            generation,
            known.factsApplied(),
            features,
            streams.get(origins.stream(cause)).topic(),
            origins.partition(cause),
            known.causeOffset(),
            online,
            offline);
    if (sortedInput) {
      passed(view, row);
    } else {
      output.accept(row, instant);
    }
  }
}

package dev.tailwater.jobs;

import dev.tailwater.kernel.EntityState;
import dev.tailwater.kernel.StateLayout;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSchemaCompatibility;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.jspecify.annotations.Nullable;

/**
 * What the feature operator keeps of one entity key besides its facts: the cursors over the facts
 * of each input, where the key's own clock stands, and until when the rows it has written hold.
 */
final class KeyState {

  /** One per input of the entity. */
  final EntityState[] inputs;

  /** One per view of the entity, or none if no view's rows change by time alone or knowledge. */
  WrittenRows[] rows;

  /** Everything at or before this event time has been answered and its rows emitted. */
  long clock = Long.MIN_VALUE;

  /**
   * The earliest instant that can be asked about: when the state began, the facts of earlier ones
   * may have been forgotten with a state before it.
   */
  long earliest = Long.MIN_VALUE;

  /** The earliest timer that is registered, or {@link Long#MAX_VALUE} for none. */
  long wakeAt = Long.MAX_VALUE;

  /** The same of the timer that refreshes online rows while the source is idle. */
  long onlineWakeAt = Long.MAX_VALUE;

  /** The earliest instant for which something waits, or {@link Long#MAX_VALUE} for none. */
  long firstWaiting = Long.MAX_VALUE;

  /**
   * The event time of the oldest fact that waits to be known, or {@link Long#MAX_VALUE} for none:
   * until then a state of what was known must be able to take it in.
   */
  long oldestUnknown = Long.MAX_VALUE;

  /**
   * The latest instant at which a fact became known that had happened before, or {@link
   * Long#MIN_VALUE}: what was known at earlier instants is not remembered.
   */
  long newestKnown = Long.MIN_VALUE;

  /** How often late facts have repaired rows that were already final. */
  long revision;

  /**
   * After how many checkpoints the state's chunks were last taken from their store; of this object,
   * not of the key.
   */
  int checkpoints;

  /** The newest rows of one view. */
  static final class WrittenRows {

    private static final long[] NONE = {};

    /** When the values of the newest final row next change by time. */
    long validUntil = Long.MAX_VALUE;

    /**
     * Instants of final rows by time alone for which there is no reason any more since late facts
     * came. Such a row is not taken back, so further late facts must go on to repair it. Ascending;
     * only those that a fact can still be late for.
     */
    long[] orphans = NONE;

    /** The instant of the newest online row: no later one is as of an earlier instant. */
    long onlineAsOf = Long.MIN_VALUE;

    /** When the values of the newest online row next change by time. */
    long onlineValidUntil = Long.MAX_VALUE;
  }

  /**
   * The state of a key of which nothing is known.
   *
   * @param views how many views' rows are kept track of
   */
  KeyState(List<StateLayout> layouts, int views) {
    this(layouts.stream().map(EntityState::of).toArray(EntityState[]::new), views);
  }

  private KeyState(EntityState[] inputs, int views) {
    this.inputs = inputs;
    this.rows = new WrittenRows[views];
    Arrays.setAll(rows, view -> new WrittenRows());
  }

  /** Whether there is nothing to remember: no fact, and nothing waits. */
  boolean isEmpty() {
    for (EntityState input : inputs) {
      if (input.lastFactTime() != Long.MIN_VALUE) {
        return false;
      }
    }
    return firstWaiting == Long.MAX_VALUE;
  }

  private KeyState copy() {
    EntityState[] copies = new EntityState[inputs.length];
    Arrays.setAll(copies, input -> inputs[input].copy());
    KeyState copy = new KeyState(copies, rows.length);
    copy.clock = clock;
    copy.earliest = earliest;
    copy.wakeAt = wakeAt;
    copy.onlineWakeAt = onlineWakeAt;
    copy.firstWaiting = firstWaiting;
    copy.oldestUnknown = oldestUnknown;
    copy.newestKnown = newestKnown;
    copy.revision = revision;
    for (int view = 0; view < rows.length; view++) {
      copy.rows[view].validUntil = rows[view].validUntil;
      copy.rows[view].orphans = rows[view].orphans;
      copy.rows[view].onlineAsOf = rows[view].onlineAsOf;
      copy.rows[view].onlineValidUntil = rows[view].onlineValidUntil;
    }
    return copy;
  }

  static final class Serializer extends LayoutSerializer<KeyState> {

    private final int version;

    Serializer(List<StateLayout> layouts) {
      this(layouts, KeyStateSnapshot.VERSION);
    }

    /** A serializer of the present format or one before. */
    private Serializer(List<StateLayout> layouts, int version) {
      super(layouts);
      this.version = version;
    }

    @Override
    public void serialize(KeyState state, DataOutputView target) throws IOException {
      target.writeLong(state.clock);
      if (version >= KeyStateSnapshot.WITH_EARLIEST) {
        target.writeLong(state.earliest);
      }
      target.writeLong(state.wakeAt);
      target.writeLong(state.onlineWakeAt);
      target.writeLong(state.firstWaiting);
      if (version >= KeyStateSnapshot.WITH_KNOWLEDGE) {
        target.writeLong(state.oldestUnknown);
        target.writeLong(state.newestKnown);
      }
      target.writeLong(state.revision);
      target.writeShort(state.rows.length);
      for (WrittenRows written : state.rows) {
        target.writeLong(written.validUntil);
        target.writeLong(written.onlineAsOf);
        target.writeLong(written.onlineValidUntil);
        target.writeInt(written.orphans.length);
        for (long orphan : written.orphans) {
          target.writeLong(orphan);
        }
      }
      for (EntityState input : state.inputs) {
        input.write(target);
      }
    }

    @Override
    public KeyState deserialize(DataInputView source) throws IOException {
      long clock = source.readLong();
      long earliest =
          version >= KeyStateSnapshot.WITH_EARLIEST ? source.readLong() : Long.MIN_VALUE;
      long wakeAt = source.readLong();
      long onlineWakeAt = source.readLong();
      long firstWaiting = source.readLong();
      boolean withKnowledge = version >= KeyStateSnapshot.WITH_KNOWLEDGE;
      long oldestUnknown = withKnowledge ? source.readLong() : Long.MAX_VALUE;
      long newestKnown = withKnowledge ? source.readLong() : Long.MIN_VALUE;
      long revision = source.readLong();
      KeyState state = new KeyState(new EntityState[layouts.size()], source.readShort());
      state.clock = clock;
      state.earliest = earliest;
      state.wakeAt = wakeAt;
      state.onlineWakeAt = onlineWakeAt;
      state.firstWaiting = firstWaiting;
      state.oldestUnknown = oldestUnknown;
      state.newestKnown = newestKnown;
      state.revision = revision;
      for (WrittenRows written : state.rows) {
        written.validUntil = source.readLong();
        written.onlineAsOf = source.readLong();
        written.onlineValidUntil = source.readLong();
        written.orphans = new long[source.readInt()];
        for (int i = 0; i < written.orphans.length; i++) {
          written.orphans[i] = source.readLong();
        }
      }
      for (int i = 0; i < state.inputs.length; i++) {
        state.inputs[i] = EntityState.read(layouts.get(i), source);
      }
      return state;
    }

    @Override
    public KeyState copy(KeyState from) {
      return from.copy();
    }

    @Override
    public KeyState createInstance() {
      return new KeyState(layouts, 0);
    }

    @Override
    public TypeSerializerSnapshot<KeyState> snapshotConfiguration() {
      return new KeyStateSnapshot(layouts);
    }

    @Override
    public boolean equals(@Nullable Object other) {
      return other instanceof Serializer that && super.equals(that) && version == that.version;
    }

    @Override
    public int hashCode() {
      return super.hashCode();
    }
  }

  /** The layouts of a {@link KeyState}, and the version of its format. */
  public static final class KeyStateSnapshot extends LayoutSerializer.Snapshot<KeyState> {

    /** Since then {@link KeyState#earliest} is written. */
    private static final int WITH_EARLIEST = 2;

    /** Since then {@link KeyState#oldestUnknown} and {@link KeyState#newestKnown} are written. */
    private static final int WITH_KNOWLEDGE = 3;

    private static final int VERSION = WITH_KNOWLEDGE;

    private int readVersion = VERSION;

    /** Read reflectively by Flink. */
    public KeyStateSnapshot() {
      super(List.of());
    }

    KeyStateSnapshot(List<StateLayout> layouts) {
      super(layouts);
    }

    @Override
    public int getCurrentVersion() {
      return VERSION;
    }

    @Override
    public void readSnapshot(int version, DataInputView in, ClassLoader classLoader)
        throws IOException {
      super.readSnapshot(version, in, classLoader);
      readVersion = version;
    }

    @Override
    public TypeSerializerSchemaCompatibility<KeyState> resolveSchemaCompatibility(
        TypeSerializerSnapshot<KeyState> old) {
      TypeSerializerSchemaCompatibility<KeyState> layouts = super.resolveSchemaCompatibility(old);
      return layouts.isCompatibleAsIs()
              && old instanceof KeyStateSnapshot that
              && that.readVersion != readVersion
          ? TypeSerializerSchemaCompatibility.compatibleAfterMigration()
          : layouts;
    }

    @Override
    TypeSerializer<KeyState> serializer(List<StateLayout> layouts) {
      return new Serializer(layouts, readVersion);
    }
  }
}

package dev.tailwater.jobs;

import dev.tailwater.kernel.EntityState;
import dev.tailwater.kernel.StateLayout;
import java.io.IOException;
import java.util.List;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/**
 * What the feature operator keeps of one entity key besides its facts: the cursors over the facts
 * of each input, and where the key's own clock stands.
 */
final class KeyState {

  /** One per input of the entity. */
  final EntityState[] inputs;

  /** Everything at or before this event time has been answered and its rows emitted. */
  long clock = Long.MIN_VALUE;

  /** The earliest timer that is registered, or {@link Long#MAX_VALUE} for none. */
  long wakeAt = Long.MAX_VALUE;

  /** The earliest event time of a waiting question, or {@link Long#MAX_VALUE} for none. */
  long firstWaiting = Long.MAX_VALUE;

  /** How often late facts have repaired rows that were already final. */
  long revision;

  KeyState(List<StateLayout> layouts) {
    this(layouts.stream().map(EntityState::new).toArray(EntityState[]::new));
  }

  private KeyState(EntityState[] inputs) {
    this.inputs = inputs;
  }

  /** Whether there is nothing to remember: no fact and no waiting question. */
  boolean isEmpty() {
    for (EntityState input : inputs) {
      if (input.lastFactTime() != Long.MIN_VALUE) {
        return false;
      }
    }
    return firstWaiting == Long.MAX_VALUE;
  }

  static final class Serializer extends LayoutSerializer<KeyState> {

    Serializer(List<StateLayout> layouts) {
      super(layouts);
    }

    @Override
    public void serialize(KeyState state, DataOutputView target) throws IOException {
      target.writeLong(state.clock);
      target.writeLong(state.wakeAt);
      target.writeLong(state.firstWaiting);
      target.writeLong(state.revision);
      for (EntityState input : state.inputs) {
        input.write(target);
      }
    }

    @Override
    public KeyState deserialize(DataInputView source) throws IOException {
      long clock = source.readLong();
      long wakeAt = source.readLong();
      long firstWaiting = source.readLong();
      long revision = source.readLong();
      EntityState[] inputs = new EntityState[layouts.size()];
      for (int i = 0; i < inputs.length; i++) {
        inputs[i] = EntityState.read(layouts.get(i), source);
      }
      return with(new KeyState(inputs), clock, wakeAt, firstWaiting, revision);
    }

    @Override
    public KeyState copy(KeyState from) {
      EntityState[] inputs = new EntityState[from.inputs.length];
      for (int i = 0; i < inputs.length; i++) {
        inputs[i] = from.inputs[i].copy();
      }
      return with(new KeyState(inputs), from.clock, from.wakeAt, from.firstWaiting, from.revision);
    }

    private static KeyState with(
        KeyState state, long clock, long wakeAt, long firstWaiting, long revision) {
      state.clock = clock;
      state.wakeAt = wakeAt;
      state.firstWaiting = firstWaiting;
      state.revision = revision;
      return state;
    }

    @Override
    public KeyState createInstance() {
      return new KeyState(layouts);
    }

    @Override
    public TypeSerializerSnapshot<KeyState> snapshotConfiguration() {
      return new KeyStateSnapshot(layouts);
    }
  }

  /** The layouts of a {@link KeyState}. */
  public static final class KeyStateSnapshot extends LayoutSerializer.Snapshot<KeyState> {

    /** Read reflectively by Flink. */
    public KeyStateSnapshot() {
      super(List.of());
    }

    KeyStateSnapshot(List<StateLayout> layouts) {
      super(layouts);
    }

    @Override
    TypeSerializer<KeyState> serializer(List<StateLayout> layouts) {
      return new Serializer(layouts);
    }
  }
}

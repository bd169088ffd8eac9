package dev.tailwater.jobs;

import dev.tailwater.kernel.Chunk;
import dev.tailwater.kernel.ChunkStore;
import dev.tailwater.kernel.EntityState;
import dev.tailwater.kernel.StateLayout;
import dev.tailwater.plan.EntityPlan;
import dev.tailwater.plan.Plan;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Collectors;
import org.apache.flink.api.common.functions.RuntimeContext;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeutils.base.IntSerializer;
import org.apache.flink.streaming.api.operators.KeyContext;
import org.apache.flink.util.FlinkRuntimeException;
import org.jspecify.annotations.Nullable;

/**
 * All keys, in Flink's keyed state; the current one is that of the element or timer at hand.
 *
 * <p>A backend that keeps bytes makes a new object of a key's state whenever it is asked, which
 * then has to sum up its windows anew, and takes the bytes of all that changed. So the keys of late
 * are kept as objects in front of it, and written when they have been away for long, and before
 * each checkpoint.
 */
final class KeyedMemory implements KeyMemory {

  /** Keys that are kept as objects where the backend keeps bytes. */
  static final int RECENT_KEYS = 1_000;

  private final KeyContext keys;
  private final ValueState<KeyState> states;
  private final List<MapState<Integer, Chunk>> chunkStates = new ArrayList<>();
  private final ChunkStore[] chunks;
  private final Waiting waiting;

  /** How many checkpoints were begun. */
  private int checkpoints;

  /** The keys of late, the latest last, or null where the backend keeps objects itself. */
  private final @Nullable LinkedHashMap<String, RecentKey> recent;

  /**
   * Opens the state of an entity.
   *
   * @param context of an operator with a keyed input
   * @param keepsBytes whether the state backend keeps bytes, not objects
   */
  KeyedMemory(
      RuntimeContext context, boolean keepsBytes, KeyContext keys, Plan plan, EntityPlan entity) {
    this.keys = keys;
    List<StateLayout> layouts = entity.inputs().stream().map(EntityPlan.Input::layout).toList();
    states = context.getState(new ValueStateDescriptor<>("key", new KeyState.Serializer(layouts)));
    waiting =
        new StoredWaiting(
            context.getListState(
                new ListStateDescriptor<>("waiting", EnvelopeSerializer.of(plan))));
    List<String> names = chunkNames(plan, entity);
    for (int i = 0; i < layouts.size(); i++) {
      chunkStates.add(
          context.getMapState(
              new MapStateDescriptor<>(
                  names.get(i), IntSerializer.INSTANCE, new ChunkSerializer(layouts.get(i)))));
    }
    chunks = new ChunkStore[layouts.size()];
    if (keepsBytes) {
      recent = new LinkedHashMap<>(16, 0.75f, true);
      for (int i = 0; i < chunks.length; i++) {
        chunks[i] = new RecentChunks(i);
      }
    } else {
      recent = null;
      for (int i = 0; i < chunks.length; i++) {
        chunks[i] = new StateChunks(chunkStates.get(i));
      }
    }
  }

  /** The names of the inputs' states: their streams, and a number where those are the same. */
  private static List<String> chunkNames(Plan plan, EntityPlan entity) {
    Map<String, Integer> seen = new HashMap<>();
    List<String> names = new ArrayList<>();
    for (EntityPlan.Input input : entity.inputs()) {
      String streams =
          input.origins().stream()
              .map(origin -> plan.streams().get(origin.stream()).name())
              .collect(Collectors.joining("+", "facts:", ""));
      int before = seen.merge(streams, 1, Integer::sum) - 1;
      names.add(before == 0 ? streams : streams + "#" + before);
    }
    return names;
  }

  @Override
  public String key() {
    return (String) keys.getCurrentKey();
  }

  @Override
  public @Nullable KeyState load() throws Exception {
    KeyState state = recent != null ? current().state : states.value();
    if (state == null) {
      return null;
    }
    // The object stays in the backend: what is put into it here is there with the next event. It is
    // put only if it is new, because a reference that is written costs G1 more than a comparison.
    for (int i = 0; i < state.inputs.length; i++) {
      EntityState newest = state.inputs[i].newest();
      if (newest != state.inputs[i]) {
        state.inputs[i] = newest;
      }
    }
    // Flink copies an object before it is changed while a checkpoint has still to write it, but it
    // finishes with each state by itself: this one may be written already, and its chunks not yet.
    if (recent == null && state.checkpoints != checkpoints) {
      for (EntityState input : state.inputs) {
        input.forgetChunks();
      }
      state.checkpoints = checkpoints;
    }
    return state;
  }

  @Override
  public void save(KeyState state) throws Exception {
    if (recent == null) {
      states.update(state);
    } else {
      RecentKey key = current();
      key.state = state;
      key.changed = true;
    }
  }

  @Override
  public void clear() {
    states.clear();
    waiting.clear();
    chunkStates.forEach(MapState::clear);
    if (recent != null) {
      recent.remove(key());
    }
  }

  @Override
  public void write() throws Exception {
    checkpoints++;
    if (recent == null) {
      return;
    }
    for (Map.Entry<String, RecentKey> entry : recent.entrySet()) {
      keys.setCurrentKey(entry.getKey());
      write(entry.getValue());
    }
  }

  private void write(RecentKey key) throws Exception {
    if (key.changed) {
      states.update(key.state);
      key.changed = false;
    }
    for (int i = 0; i < chunks.length; i++) {
      MapState<Integer, Chunk> state = chunkStates.get(i);
      for (Map.Entry<Integer, Optional<Chunk>> entry : key.chunks.get(i).entrySet()) {
        if (entry.getValue().isPresent()) {
          state.put(entry.getKey(), entry.getValue().get());
        } else {
          state.remove(entry.getKey());
        }
      }
      key.chunks.get(i).clear();
    }
  }

  private RecentKey current() throws Exception {
    LinkedHashMap<String, RecentKey> keysOfLate = Objects.requireNonNull(recent);
    String name = key();
    RecentKey key = keysOfLate.get(name);
    if (key == null) {
      key = new RecentKey(states.value(), chunks.length);
      keysOfLate.put(name, key);
      if (keysOfLate.size() > RECENT_KEYS) {
        Map.Entry<String, RecentKey> eldest = keysOfLate.entrySet().iterator().next();
        keys.setCurrentKey(eldest.getKey());
        write(eldest.getValue());
        keys.setCurrentKey(name);
        keysOfLate.remove(eldest.getKey());
      }
    }
    return key;
  }

  @Override
  public ChunkStore[] chunks() {
    return chunks;
  }

  @Override
  public Waiting waiting() {
    return waiting;
  }

  /** A key of late. */
  private static final class RecentKey {

    private @Nullable KeyState state;
    private boolean changed;

    /** Per input the chunks that were put since the last write; those that were removed: empty. */
    private final List<Map<Integer, Optional<Chunk>>> chunks = new ArrayList<>();

    RecentKey(@Nullable KeyState state, int inputs) {
      this.state = state;
      for (int i = 0; i < inputs; i++) {
        chunks.add(new HashMap<>());
      }
    }
  }

  /** The chunks of the current key, where it is one of late. */
  private final class RecentChunks implements ChunkStore {

    private final int input;

    RecentChunks(int input) {
      this.input = input;
    }

    private Map<Integer, Optional<Chunk>> put() {
      try {
        return current().chunks.get(input);
      } catch (Exception e) {
        throw new FlinkRuntimeException("cannot read a key from keyed state", e);
      }
    }

    @Override
    public @Nullable Chunk get(int id) {
      Optional<Chunk> put = put().get(id);
      return put == null ? new StateChunks(chunkStates.get(input)).get(id) : put.orElse(null);
    }

    @Override
    public void put(int id, Chunk chunk) {
      put().put(id, Optional.of(chunk));
    }

    @Override
    public void remove(int id) {
      put().put(id, Optional.empty());
    }
  }

  /** The chunks of the current key. */
  private record StateChunks(MapState<Integer, Chunk> state) implements ChunkStore {

    @Override
    public @Nullable Chunk get(int id) {
      try {
        return state.get(id);
      } catch (Exception e) {
        throw new FlinkRuntimeException("cannot read facts from keyed state", e);
      }
    }

    @Override
    public void put(int id, Chunk chunk) {
      try {
        state.put(id, chunk);
      } catch (Exception e) {
        throw new FlinkRuntimeException("cannot write facts to keyed state", e);
      }
    }

    @Override
    public void remove(int id) {
      try {
        state.remove(id);
      } catch (Exception e) {
        throw new FlinkRuntimeException("cannot remove facts from keyed state", e);
      }
    }
  }
}

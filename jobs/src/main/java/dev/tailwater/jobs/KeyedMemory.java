package dev.tailwater.jobs;

import dev.tailwater.kernel.Chunk;
import dev.tailwater.kernel.ChunkStore;
import dev.tailwater.kernel.StateLayout;
import dev.tailwater.plan.EntityPlan;
import dev.tailwater.plan.Plan;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.apache.flink.api.common.functions.RuntimeContext;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeutils.base.IntSerializer;
import org.apache.flink.util.FlinkRuntimeException;
import org.jspecify.annotations.Nullable;

/**
 * All keys, in Flink's keyed state; the current one is that of the element or timer at hand.
 *
 * <p>A backend that keeps bytes makes a new object of a key's state whenever it is asked, and such
 * an object has to sum up its windows anew. So the keys of late are kept as objects as well: the
 * bytes are written at every change, and read when a key has been away for long.
 */
final class KeyedMemory implements KeyMemory {

  /** Keys that are kept as objects where the backend keeps bytes. */
  static final int RECENT_KEYS = 1_000;

  private final Supplier<String> currentKey;
  private final ValueState<KeyState> states;
  private final List<MapState<Integer, Chunk>> chunkStates = new ArrayList<>();
  private final ChunkStore[] chunks;
  private final Waiting waiting;

  /** The states of late by their keys, or null where the backend keeps objects itself. */
  private final @Nullable Map<String, KeyState> recent;

  /**
   * Opens the state of an entity.
   *
   * @param context of an operator with a keyed input
   * @param keepsBytes whether the state backend keeps bytes, not objects
   */
  KeyedMemory(
      RuntimeContext context,
      boolean keepsBytes,
      Supplier<String> currentKey,
      Plan plan,
      EntityPlan entity) {
    recent = keepsBytes ? new RecentKeys() : null;
    this.currentKey = currentKey;
    List<StateLayout> layouts = entity.inputs().stream().map(EntityPlan.Input::layout).toList();
    states = context.getState(new ValueStateDescriptor<>("key", new KeyState.Serializer(layouts)));
    waiting =
        new Waiting(
            context.getListState(
                new ListStateDescriptor<>("waiting", EnvelopeSerializer.of(plan))));
    List<String> names = chunkNames(plan, entity);
    for (int i = 0; i < layouts.size(); i++) {
      chunkStates.add(
          context.getMapState(
              new MapStateDescriptor<>(
                  names.get(i), IntSerializer.INSTANCE, new ChunkSerializer(layouts.get(i)))));
    }
    chunks = chunkStates.stream().map(StateChunks::new).toArray(ChunkStore[]::new);
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
    return currentKey.get();
  }

  @Override
  public @Nullable KeyState load() throws Exception {
    if (recent == null) {
      return states.value();
    }
    KeyState state = recent.get(key());
    if (state == null) {
      state = states.value();
      if (state != null) {
        recent.put(key(), state);
      }
    }
    return state;
  }

  @Override
  public void save(KeyState state) throws Exception {
    states.update(state);
    if (recent != null) {
      recent.put(key(), state);
    }
  }

  @Override
  public void clear() {
    states.clear();
    if (recent != null) {
      recent.remove(key());
    }
    waiting.clear();
    chunkStates.forEach(MapState::clear);
  }

  @Override
  public ChunkStore[] chunks() {
    return chunks;
  }

  @Override
  public Waiting waiting() {
    return waiting;
  }

  /** Forgets the key that was asked for least recently. */
  private static final class RecentKeys extends LinkedHashMap<String, KeyState> {

    private static final long serialVersionUID = 1;

    RecentKeys() {
      super(16, 0.75f, true);
    }

    @Override
    protected boolean removeEldestEntry(Map.Entry<String, KeyState> eldest) {
      return size() > RECENT_KEYS;
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

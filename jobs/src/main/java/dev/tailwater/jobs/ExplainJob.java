package dev.tailwater.jobs;

import dev.tailwater.connectors.files.SpineFile;
import dev.tailwater.connectors.kafka.DeadLetter;
import dev.tailwater.connectors.kafka.OutgoingRecord;
import dev.tailwater.connectors.store.EntityKeys;
import dev.tailwater.kernel.Aggregation;
import dev.tailwater.kernel.ChunkStore;
import dev.tailwater.kernel.EntityState;
import dev.tailwater.kernel.Fact;
import dev.tailwater.kernel.FeatureSpec;
import dev.tailwater.kernel.HeapChunkStore;
import dev.tailwater.kernel.Identity;
import dev.tailwater.kernel.Inserted;
import dev.tailwater.plan.EntityPlan;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.StreamPlan;
import dev.tailwater.plan.ViewPlan;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.RecordDecoder;
import dev.tailwater.schemas.RowChange;
import dev.tailwater.schemas.Timestamps;
import dev.tailwater.schemas.UndecodableRecordException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.apache.flink.api.common.functions.FlatMapFunction;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.CloseableIterator;
import org.apache.flink.util.Collector;
import org.jspecify.annotations.Nullable;

/**
 * Replays history through the one graph up to the entity's operator, and shows what that operator
 * would be told of one entity: its facts, and which of them each window covers.
 */
public final class ExplainJob {

  /** More facts of one entity than this are refused, so that they fit in memory. */
  private static final int MAX_FACTS = 1_000_000;

  private static final byte FACT = 0;
  private static final byte REFUSED = 1;
  private static final byte UNREADABLE = 2;

  private ExplainJob() {}

  /**
   * Runs the replay and explains.
   *
   * @param key the entity's key in its canonical text form
   * @param at the instant; if absent that of the newest fact that counts, or of a view whose facts
   *     count from when they are known that from which all are
   * @param emptySpine a spine of the view without rows: a graph runs only what is asked for
   * @throws IllegalArgumentException if the entity has no fact up to then, or too many
   */
  public static Explanation run(
      StreamExecutionEnvironment env,
      Plan project,
      int view,
      String key,
      OptionalLong at,
      BoundedSources sources,
      Path emptySpine)
      throws Exception {
    int[] views = {view};
    SpinePlan spine = SpinePlan.of(project, views);
    Plan plan = spine.plan();
    SpineFile questions = SpineFile.open(emptySpine, spine.columns());
    FeatureGraph graph =
        FeatureGraph.build(
            JobSettings.bounded(env),
            plan,
            stream ->
                stream == spine.spine()
                    ? questions.source()
                    : sources.of(project.streams().get(stream)),
            new FeatureGraph.Options(
                List.of(Ask.always(spine.spine(), views)), false, 0, Set.of()));
    int entity = plan.views().get(view).entity();
    DataStream<byte[]> clues =
        graph
            .told(entity)
            .flatMap(new FactsOf(plan, entity, key))
            .returns(PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO);
    for (DataStream<OutgoingRecord> letters : graph.deadLetters()) {
      clues =
          clues.union(
              letters
                  .flatMap(new RefusedOf(plan, entity, key))
                  .returns(PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO));
    }
    Found found = new Found(plan);
    try (CloseableIterator<byte[]> all = clues.executeAndCollect()) {
      while (all.hasNext()) {
        found.add(all.next());
      }
    }
    return found.explain(view, key, at);
  }

  /** What was found about the entity. */
  private static final class Found {

    private final Plan plan;
    private final TypeSerializer<Envelope> envelopes;
    private final List<Envelope> facts = new ArrayList<>();
    private final List<Explanation.Refused> refused = new ArrayList<>();
    private final Set<Envelope> uncounted = Collections.newSetFromMap(new IdentityHashMap<>());
    private Explanation.@Nullable Refused firstUnreadable;
    private long unreadable;

    Found(Plan plan) {
      this.plan = plan;
      this.envelopes = EnvelopeSerializer.of(plan);
    }

    void add(byte[] clue) throws IOException {
      DataInputDeserializer in = new DataInputDeserializer(clue);
      switch (in.readByte()) {
        case FACT -> {
          if (facts.size() == MAX_FACTS) {
            throw new IllegalArgumentException(
                "the entity has more than "
                    + MAX_FACTS
                    + " facts; give a shorter history with --history STREAM=FILE");
          }
          facts.add(envelopes.deserialize(in));
        }
        case REFUSED -> refused.add(refused(in));
        default -> {
          unreadable++;
          if (firstUnreadable == null) {
            firstUnreadable = refused(in);
          }
        }
      }
    }

    private static Explanation.Refused refused(DataInputDeserializer in) throws IOException {
      return new Explanation.Refused(
          in.readUTF(), in.readInt(), in.readLong(), in.readUTF(), in.readUTF());
    }

    Explanation explain(int v, String key, OptionalLong asked) {
      ViewPlan view = plan.views().get(v);
      EntityPlan entity = plan.entities().get(view.entity());
      Collections.sort(facts);
      if (facts.isEmpty()) {
        throw new IllegalArgumentException(
            "%s %s has no event in this history%s%s; check the key%s"
                .formatted(
                    entity.name(),
                    key,
                    refused.isEmpty()
                        ? ""
                        : " but %d that were refused (the first: %s)"
                            .formatted(refused.size(), described(refused.get(0))),
                    firstUnreadable == null
                        ? ""
                        : "; %d of the records cannot be read, and may be of any entity (the first: %s)"
                            .formatted(unreadable, described(firstUnreadable)),
                    firstUnreadable == null ? "" : " and the stream's format"));
      }
      EntityPlan.Input told = entity.inputs().get(view.lastInput());
      boolean asKnown = EntityViews.isAsKnown(view);
      Set<Integer> streams = streamsOf(told);
      List<Envelope> versions = facts.stream().filter(e -> streams.contains(e.stream)).toList();
      boolean ofRows = told.layout().identity() == Identity.ROW;
      long at = asked.orElseGet(() -> newest(versions, asKnown, ofRows));
      if (asKnown) {
        refuseUnknown(versions, at);
      }
      if (ofRows) {
        refuseGone(
            asKnown ? versions.stream().filter(e -> e.knownFrom() <= at).toList() : versions,
            entity.name());
      }

      int count = entity.inputs().size();
      EntityState[] states = new EntityState[count];
      ChunkStore[] chunks = new ChunkStore[count];
      Origins[] origins = new Origins[count];
      for (int input = 0; input < count; input++) {
        states[input] = EntityState.of(entity.inputs().get(input).layout());
        chunks[input] = new HeapChunkStore();
        origins[input] = new Origins(entity.inputs().get(input).origins());
      }
      for (int input = 0; input < count; input++) {
        Fact fact = new Fact(entity.inputs().get(input).layout());
        boolean known =
            EntityViews.isAsKnown(plan.views().get(entity.inputs().get(input).views()[0]));
        List<EntityPlan.Origin> from = entity.inputs().get(input).origins();
        for (Envelope event : facts) {
          for (int origin = 0; origin < from.size(); origin++) {
            if (from.get(origin).stream() != event.stream || (known && event.knownFrom() > at)) {
              continue;
            }
            origins[input].fill(fact, origin, event);
            Inserted inserted = states[input].insert(fact, chunks[input]);
            if (input == view.lastInput()) {
              tell(event, inserted, entity.inputs().get(input).layout().identity());
            }
          }
        }
      }

      List<Explanation.Place> places = new ArrayList<>();
      Map<List<Object>, Integer> numbers = new HashMap<>();
      long later = 0;
      for (Envelope event : versions) {
        if (event.isDeletion() || uncounted.contains(event)) {
          continue;
        }
        if (event.eventTime > at) {
          later++;
          continue;
        }
        numbers.putIfAbsent(place(event.stream, event.partition, event.offset), places.size());
        places.add(
            new Explanation.Place(
                plan.streams().get(event.stream).topic(),
                event.partition,
                event.offset,
                event.eventTime,
                asKnown ? OptionalLong.of(event.knownFrom()) : OptionalLong.empty()));
      }
      return new Explanation(
          at,
          places,
          later,
          features(view, entity, states, chunks, origins, numbers, at),
          refused,
          unreadable);
    }

    private static String described(Explanation.Refused record) {
      return "%s/%d/%d, %s: %s"
          .formatted(
              record.topic(), record.partition(), record.offset(), record.code(), record.reason());
    }

    private static Set<Integer> streamsOf(EntityPlan.Input input) {
      Set<Integer> streams = new HashSet<>();
      for (EntityPlan.Origin origin : input.origins()) {
        streams.add(origin.stream());
      }
      return streams;
    }

    /** The instant to explain if nobody says: the first as of which all that counts does. */
    private long newest(List<Envelope> versions, boolean asKnown, boolean ofRows) {
      LongStream instants;
      if (asKnown) {
        instants = versions.stream().mapToLong(Envelope::knownFrom);
      } else if (ofRows) {
        instants =
            standing(versions).values().stream()
                .filter(version -> !version.isDeletion())
                .mapToLong(version -> version.eventTime);
      } else {
        instants = versions.stream().mapToLong(event -> event.eventTime);
      }
      return instants.max().orElse(facts.get(facts.size() - 1).eventTime);
    }

    /** Of each place where a row was, its newest version or deletion there. */
    private static Map<List<Object>, Envelope> standing(List<Envelope> versions) {
      Map<List<Object>, Envelope> standing = new HashMap<>();
      versions.forEach(version -> standing.put(rowPlace(version), version));
      return standing;
    }

    private static List<Object> rowPlace(Envelope version) {
      return List.of(version.stream, version.eventTime, version.idHash);
    }

    /** Says of the versions of rows that are no longer what became of them. */
    private void refuseGone(List<Envelope> versions, String entity) {
      Map<List<Object>, Envelope> standing = standing(versions);
      Map<List<Object>, Envelope> tellers = new HashMap<>();
      for (Envelope version : versions) {
        if (!version.isDeletion()) {
          tellers.put(place(version.stream, version.partition, version.offset), version);
        }
      }
      for (Envelope version : versions) {
        Envelope newest = standing.getOrDefault(rowPlace(version), version);
        if (version.isDeletion() || newest == version) {
          continue;
        }
        String where =
            "%s/%d/%d"
                .formatted(
                    plan.streams().get(newest.stream).topic(), newest.partition, newest.offset);
        Envelope moved = tellers.get(place(newest.stream, newest.partition, newest.offset));
        if (!newest.isDeletion()) {
          refuse(version, "REPLACED", "replaced by " + where);
        } else if (moved != null) {
          refuse(
              version,
              "MOVED",
              "moved to %s by %s".formatted(Timestamps.format(moved.eventTime), where));
        } else {
          refuse(
              version,
              "DELETED",
              "deleted, or moved away to another %s, by %s".formatted(entity, where));
        }
      }
    }

    /** Says of the events up to an instant that are not known then from when on they are. */
    private void refuseUnknown(List<Envelope> versions, long at) {
      for (Envelope event : versions) {
        if (!event.isDeletion() && event.eventTime <= at && event.knownFrom() > at) {
          refuse(
              event,
              "NOT_KNOWN_YET",
              "known only from %s, when it was appended"
                  .formatted(Timestamps.format(event.knownFrom())));
        }
      }
    }

    private List<Explanation.Feature> features(
        ViewPlan view,
        EntityPlan entity,
        EntityState[] states,
        ChunkStore[] chunks,
        Origins[] origins,
        Map<List<Object>, Integer> numbers,
        long at) {
      Explanation.@Nullable Feature[] features =
          new Explanation.@Nullable Feature[view.features().size()];
      for (ViewPlan.Part part : view.parts()) {
        int input = part.input();
        states[input].seek(at, chunks[input]);
        @Nullable Object[] values = new Object[part.features().length];
        states[input].answer(part.firstFeature(), values.length, values, 0, chunks[input]);
        for (int i = 0; i < values.length; i++) {
          FeatureSpec spec =
              entity.inputs().get(input).layout().features().get(part.firstFeature() + i);
          List<Explanation.Covered> covered = new ArrayList<>();
          List<Integer> nulls = new ArrayList<>();
          Aggregation aggregation = spec.aggregation();
          int[] needed =
              IntStream.of(aggregation.column(), aggregation.second(), aggregation.by())
                  .filter(column -> column >= 0)
                  .toArray();
          states[input].forEachFact(
              part.firstFeature() + i,
              chunks[input],
              (time, partition, offset, row) -> {
                Integer number =
                    numbers.get(
                        place(
                            origins[input].stream(partition),
                            origins[input].partition(partition),
                            offset));
                if (number == null) {
                  return;
                }
                if (IntStream.of(needed).anyMatch(column -> row[column] == null)) {
                  nulls.add(number);
                } else {
                  int column = aggregation.column();
                  covered.add(new Explanation.Covered(number, column < 0 ? null : row[column]));
                }
              });
          int feature = part.features()[i];
          features[feature] =
              new Explanation.Feature(
                  view.features().get(feature), spec, values[i], covered, nulls);
        }
      }
      List<Explanation.Feature> all = new ArrayList<>();
      for (Explanation.Feature feature : features) {
        if (feature != null) {
          all.add(feature);
        }
      }
      return all;
    }

    private static List<Object> place(int stream, int partition, long offset) {
      return List.of(stream, partition, offset);
    }

    /** What the state made of a fact, if that is not what it says. */
    private void tell(Envelope event, Inserted inserted, Identity identity) {
      String reason =
          switch (inserted) {
            case NEW, REPLACED_CONFLICT -> null;
            case REPLACED, DUPLICATE -> // What became of a row is said by refuseGone.
                identity == Identity.ROW
                    ? null
                    : "the same event stands at an earlier place of the log: it counts once";
            case CONFLICT ->
                "another event with its id and time stands at an earlier place of the log and counts";
            case TOO_OLD -> "it is older than anything that is still kept";
          };
      if (reason != null) {
        refuse(event, inserted.name(), reason);
      }
    }

    private void refuse(Envelope event, String code, String reason) {
      uncounted.add(event);
      refused.add(
          new Explanation.Refused(
              plan.streams().get(event.stream).topic(),
              event.partition,
              event.offset,
              code,
              reason));
    }
  }

  /** The facts about the entity. */
  private static final class FactsOf implements FlatMapFunction<Envelope, byte[]> {

    private final Plan plan;
    private final int entity;
    private final String key;
    private transient @Nullable TypeSerializer<Envelope> envelopes;

    FactsOf(Plan plan, int entity, String key) {
      this.plan = plan;
      this.entity = entity;
      this.key = key;
    }

    @Override
    public void flatMap(Envelope event, Collector<byte[]> out) throws IOException {
      int[] positions = plan.entities().get(entity).keyPositions().get(event.stream);
      if (!event.isFact()
          || positions == null
          || !key.equals(EntityKeys.encode(event.values, positions))) {
        return;
      }
      TypeSerializer<Envelope> serializer = envelopes;
      if (serializer == null) {
        serializer = EnvelopeSerializer.of(plan);
        envelopes = serializer;
      }
      DataOutputSerializer clue = new DataOutputSerializer(128);
      clue.writeByte(FACT);
      serializer.serialize(event, clue);
      out.collect(clue.getCopyOfBuffer());
    }
  }

  /** The dead letters about the entity, and those of which nobody can say. */
  private static final class RefusedOf implements FlatMapFunction<OutgoingRecord, byte[]> {

    private static final int MAX_REASON = 500;

    private final Plan plan;
    private final int entity;
    private final String key;
    private transient @Nullable Map<String, RecordDecoder> decoders;

    RefusedOf(Plan plan, int entity, String key) {
      this.plan = plan;
      this.entity = entity;
      this.key = key;
    }

    @Override
    public void flatMap(OutgoingRecord letter, Collector<byte[]> out) throws IOException {
      if (header(letter, DeadLetter.CODE_HEADER).equals(DeadLetter.Code.CONFLICT.name())) {
        return; // The state says so itself, and of which event.
      }
      String name = letter.headers().getOrDefault(DeadLetter.STREAM_HEADER, "");
      DataOutputSerializer clue = new DataOutputSerializer(128);
      int[] baseStreams = Chains.baseStreams(plan);
      for (int position = 0; position < plan.streams().size(); position++) {
        // A record that is refused is no event of the streams either that are derived from its own.
        StreamPlan stream = plan.streams().get(baseStreams[position]);
        int[] carried = plan.entities().get(entity).keyPositions().get(position);
        if (!stream.name().equals(name) || carried == null) {
          continue;
        }
        @Nullable Object @Nullable [] row = row(stream, letter.value());
        if (row == null || key.equals(key(stream, carried, row))) {
          clue.writeByte(row == null ? UNREADABLE : REFUSED);
          clue.writeUTF(stream.topic());
          clue.writeInt(Integer.parseInt(header(letter, DeadLetter.PARTITION_HEADER)));
          clue.writeLong(Long.parseLong(header(letter, DeadLetter.OFFSET_HEADER)));
          clue.writeUTF(header(letter, DeadLetter.CODE_HEADER));
          String reason = header(letter, DeadLetter.REASON_HEADER);
          clue.writeUTF(reason.substring(0, Math.min(reason.length(), MAX_REASON)));
          out.collect(clue.getCopyOfBuffer());
        }
        return; // The entity's key is at one place of a record.
      }
    }

    private static String header(OutgoingRecord letter, String name) {
      return letter.headers().getOrDefault(name, "0");
    }

    private @Nullable Object @Nullable [] row(StreamPlan stream, byte @Nullable [] record) {
      if (record == null) {
        return null;
      }
      Map<String, RecordDecoder> known = decoders;
      if (known == null) {
        known = new HashMap<>();
        decoders = known;
      }
      try {
        RowChange change =
            known
                .computeIfAbsent(stream.name(), unused -> stream.format().decoder(stream.schema()))
                .decodeChange(record);
        return change.after() == null ? change.before() : change.after();
      } catch (UndecodableRecordException e) {
        return null;
      }
    }

    /** The key, where the record itself has its columns. */
    private static @Nullable String key(StreamPlan stream, int[] carried, @Nullable Object[] row) {
      int[] positions = new int[carried.length];
      for (int i = 0; i < carried.length; i++) {
        positions[i] = stream.carriedFrom()[carried[i]];
        if (positions[i] < 0 || positions[i] >= row.length) {
          return null;
        }
      }
      return EntityKeys.encode(row, positions);
    }
  }

  /** The header of a spine without rows. */
  public static String emptySpine(Plan project, int view) {
    List<String> names =
        new ArrayList<>(
            TrainingSetJob.keys(project, new int[] {view}).stream().map(Column::name).toList());
    names.add(SpineFile.EVENT_TIME);
    return String.join(",", names) + "\n";
  }
}

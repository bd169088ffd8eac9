package dev.tailwater.connectors.iceberg;

import dev.tailwater.connectors.store.FeatureViewLayout;
import dev.tailwater.schemas.Column;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.iceberg.HistoryEntry;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Schema;
import org.apache.iceberg.Table;
import org.apache.iceberg.UpdateProperties;
import org.apache.iceberg.UpdateSchema;
import org.apache.iceberg.catalog.Catalog;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.exceptions.AlreadyExistsException;
import org.apache.iceberg.exceptions.CommitFailedException;
import org.apache.iceberg.types.Type;
import org.apache.iceberg.types.Types;
import org.apache.iceberg.types.Types.NestedField;

/**
 * The columns of a feature table, how it follows the view's definition, and which of the versions
 * that it holds readers use.
 */
final class FeatureTable {

  static final String VALID_FROM = "valid_from";
  static final String VALID_UNTIL = "valid_until";
  static final String REVISION = "revision";
  static final String DEFINITION_VERSION = "definition_version";
  static final String GENERATION = "generation";
  static final String CAUSE_TOPIC = "cause_topic";
  static final String CAUSE_PARTITION = "cause_partition";
  static final String CAUSE_OFFSET = "cause_offset";

  private static final Set<String> OWN_COLUMNS =
      Set.of(
          VALID_FROM,
          VALID_UNTIL,
          REVISION,
          DEFINITION_VERSION,
          GENERATION,
          CAUSE_TOPIC,
          CAUSE_PARTITION,
          CAUSE_OFFSET);

  private static final String VIEW_PROPERTY = "tailwater.view";
  private static final String VERSION_PROPERTY = "tailwater.definition-version";
  private static final String ENTITY_PROPERTY = "tailwater.entity";
  private static final String KEY_PROPERTY = "tailwater.key";
  private static final String LIVE_GENERATION_PROPERTIES = "tailwater.live-generation.";
  private static final String CREATED_PROPERTY = "tailwater.created-ms";
  private static final String FEATURE_PROPERTIES = "tailwater.feature.";
  private static final String PREVIOUS_VERSION_PROPERTY = "tailwater.previous-definition-version";
  private static final String PREVIOUS_FEATURE_PROPERTIES = "tailwater.previous-feature.";

  private static final int FOLLOW_ATTEMPTS = 10;

  private FeatureTable() {}

  /** Creates the table, or lets it follow the view. */
  static Table ensure(Catalog catalog, TableIdentifier name, FeatureViewLayout layout) {
    if (!catalog.tableExists(name)) {
      checkNames(layout);
      Schema schema = schema(layout);
      Map<String, String> properties = LakeTypes.tableProperties();
      properties.putAll(layoutProperties(layout));
      properties.put(CREATED_PROPERTY, Long.toString(System.currentTimeMillis()));
      try {
        return catalog
            .buildTable(name, schema)
            .withPartitionSpec(PartitionSpec.builderFor(schema).day(VALID_FROM).build())
            .withProperties(properties)
            .create();
      } catch (AlreadyExistsException e) {
        // Another job created it meanwhile: it may be of another version of the view.
        return follow(catalog, name, layout);
      }
    }
    return follow(catalog, name, layout);
  }

  private static void checkNames(FeatureViewLayout layout) {
    Set<String> names = new HashSet<>(OWN_COLUMNS);
    for (Column column : columns(layout)) {
      if (!names.add(column.name())) {
        throw new IllegalArgumentException(
            "Column "
                + column.name()
                + " of view "
                + layout.view()
                + " is there twice: names of key columns and features must differ from each other"
                + " and from "
                + OWN_COLUMNS.stream().sorted().toList()
                + ". Rename the feature.");
      }
    }
  }

  private static List<Column> columns(FeatureViewLayout layout) {
    List<Column> columns = new ArrayList<>(layout.key());
    columns.addAll(layout.features());
    return columns;
  }

  private static Schema schema(FeatureViewLayout layout) {
    List<NestedField> fields = new ArrayList<>();
    AtomicInteger lastId = new AtomicInteger(columns(layout).size() + OWN_COLUMNS.size());
    for (Column column : layout.key()) {
      fields.add(
          required(
              fields,
              column.name(),
              LakeTypes.icebergType(column.type(), lastId::incrementAndGet)));
    }
    fields.add(required(fields, VALID_FROM, Types.TimestampType.withZone()));
    fields.add(optional(fields, VALID_UNTIL, Types.TimestampType.withZone()));
    fields.add(required(fields, REVISION, Types.LongType.get()));
    for (Column column : layout.features()) {
      fields.add(
          optional(
              fields,
              column.name(),
              LakeTypes.icebergType(column.type(), lastId::incrementAndGet)));
    }
    fields.add(required(fields, DEFINITION_VERSION, Types.StringType.get()));
    fields.add(required(fields, GENERATION, Types.LongType.get()));
    fields.add(required(fields, CAUSE_TOPIC, Types.StringType.get()));
    fields.add(required(fields, CAUSE_PARTITION, Types.IntegerType.get()));
    fields.add(required(fields, CAUSE_OFFSET, Types.LongType.get()));
    return new Schema(fields);
  }

  private static NestedField required(List<NestedField> before, String name, Type type) {
    return NestedField.required(before.size() + 1, name, type);
  }

  private static NestedField optional(List<NestedField> before, String name, Type type) {
    return NestedField.optional(before.size() + 1, name, type);
  }

  private static Map<String, String> layoutProperties(FeatureViewLayout layout) {
    return Map.of(
        VIEW_PROPERTY, layout.view(),
        ENTITY_PROPERTY, layout.entity(),
        KEY_PROPERTY, keyNames(layout));
  }

  private static String keyNames(FeatureViewLayout layout) {
    return String.join(",", layout.key().stream().map(Column::name).toList());
  }

  /** Writers may commit between the look and the change: then it is made to what is there now. */
  private static Table follow(Catalog catalog, TableIdentifier name, FeatureViewLayout layout) {
    for (int attempt = 1; ; attempt++) {
      try {
        return follow(catalog.loadTable(name), layout);
      } catch (CommitFailedException e) {
        if (attempt == FOLLOW_ATTEMPTS) {
          throw e;
        }
      }
    }
  }

  /**
   * Checks that a table can follow the view.
   *
   * @throws IllegalArgumentException if it has another entity key, or a column another type
   */
  static void requireFits(Table table, FeatureViewLayout layout) {
    checkNames(layout);
    String key = table.properties().get(KEY_PROPERTY);
    if (!keyNames(layout).equals(key)) {
      throw new IllegalArgumentException(
          "Table "
              + table.name()
              + " has the entity key ("
              + key
              + "), but view "
              + layout.view()
              + " now has ("
              + keyNames(layout)
              + "): rows with another key cannot share a table. Give the view a new name, or drop"
              + " the table and replay.");
    }
    for (Column column : columns(layout)) {
      NestedField present = table.schema().findField(column.name());
      if (present != null && !LakeTypes.holds(present.type(), column.type())) {
        throw new IllegalArgumentException(
            "Column "
                + column.name()
                + " of table "
                + table.name()
                + " is "
                + present.type()
                + ", but view "
                + layout.view()
                + " now computes "
                + added(column)
                + ": the table keeps its history and cannot change the type. Give the feature a new"
                + " name, or drop the table and replay.");
      }
    }
  }

  /** The type of a column that the table lacks; the update gives it its ids. */
  private static Type added(Column column) {
    return LakeTypes.icebergType(column.type(), new AtomicInteger()::incrementAndGet);
  }

  private static Table follow(Table table, FeatureViewLayout layout) {
    requireFits(table, layout);
    UpdateSchema update = table.updateSchema();
    boolean changed = false;
    for (Column column : columns(layout)) {
      if (table.schema().findField(column.name()) == null) {
        update
            .addColumn(column.name(), added(column))
            .moveBefore(column.name(), DEFINITION_VERSION);
        changed = true;
      }
    }
    if (changed) {
      update.commit();
    }
    Map<String, String> wanted = layoutProperties(layout);
    if (!table.properties().entrySet().containsAll(wanted.entrySet())) {
      UpdateProperties properties = table.updateProperties();
      wanted.forEach(properties::set);
      properties.commit();
    }
    return table;
  }

  /** Records the generation of the rows of a version's live writer. */
  static void recordLiveGeneration(Table table, String version, long generation) {
    String wanted = Long.toString(generation);
    if (!wanted.equals(table.properties().get(LIVE_GENERATION_PROPERTIES + version))) {
      table.updateProperties().set(LIVE_GENERATION_PROPERTIES + version, wanted).commit();
    }
  }

  /** What {@link #recordLiveGeneration} recorded last. */
  static OptionalLong liveGeneration(Table table, String version) {
    String generation = table.properties().get(LIVE_GENERATION_PROPERTIES + version);
    return generation == null ? OptionalLong.empty() : OptionalLong.of(Long.parseLong(generation));
  }

  /** Since when there is the table; snapshots expire, so its creation is recorded. */
  static OptionalLong firstWritten(Table table) {
    String created = table.properties().get(CREATED_PROPERTY);
    if (created != null) {
      return OptionalLong.of(Long.parseLong(created));
    }
    return table.history().stream().mapToLong(HistoryEntry::timestampMillis).min();
  }

  /** Makes readers use this version if they use none yet. */
  static void activateFirst(Table table, String version) {
    if (!table.properties().containsKey(VERSION_PROPERTY)) {
      table.updateProperties().set(VERSION_PROPERTY, version).commit();
    }
  }

  /** The version that readers use, as the table's properties tell it; empty if there is none. */
  static Optional<Lake.DeployedView> deployed(Table table) {
    return deployed(table, VERSION_PROPERTY, FEATURE_PROPERTIES)
        .map(
            view ->
                new Lake.DeployedView(
                    view.version(),
                    view.features(),
                    deployed(table, PREVIOUS_VERSION_PROPERTY, PREVIOUS_FEATURE_PROPERTIES)));
  }

  private static Optional<Lake.DeployedView> deployed(
      Table table, String versionProperty, String featureProperties) {
    Map<String, String> features = new HashMap<>();
    table
        .properties()
        .forEach(
            (key, value) -> {
              if (key.startsWith(featureProperties)) {
                features.put(key.substring(featureProperties.length()), value);
              }
            });
    return Optional.ofNullable(table.properties().get(versionProperty))
        .map(version -> new Lake.DeployedView(version, features));
  }

  /**
   * Makes readers use a version, in one commit, and keeps the one before. A version that they use
   * already only has its features recorded.
   */
  static void activate(Table table, Lake.DeployedView wanted) {
    Optional<Lake.DeployedView> present = deployed(table);
    UpdateProperties properties = table.updateProperties();
    if (present.isPresent() && !present.get().version().equals(wanted.version())) {
      properties.set(PREVIOUS_VERSION_PROPERTY, present.get().version());
      setFeatures(table, properties, PREVIOUS_FEATURE_PROPERTIES, present.get().features());
    }
    properties.set(VERSION_PROPERTY, wanted.version());
    setFeatures(table, properties, FEATURE_PROPERTIES, wanted.features());
    properties.commit();
  }

  /** Forgets the version before. */
  static void forgetPrevious(Table table) {
    UpdateProperties properties = table.updateProperties().remove(PREVIOUS_VERSION_PROPERTY);
    setFeatures(table, properties, PREVIOUS_FEATURE_PROPERTIES, Map.of());
    properties.commit();
  }

  private static void setFeatures(
      Table table, UpdateProperties properties, String prefix, Map<String, String> hashes) {
    table.properties().keySet().stream()
        .filter(key -> key.startsWith(prefix))
        .filter(key -> !hashes.containsKey(key.substring(prefix.length())))
        .forEach(properties::remove);
    hashes.forEach((feature, hash) -> properties.set(prefix + feature, hash));
  }

  /** Records the hash of every feature of a version, if readers use that version. */
  static void record(Table table, String version, Map<String, String> hashes) {
    Optional<Lake.DeployedView> present = deployed(table);
    if (present.filter(view -> view.version().equals(version)).isPresent()
        && !present.get().features().equals(hashes)) {
      activate(table, new Lake.DeployedView(version, hashes));
    }
  }
}

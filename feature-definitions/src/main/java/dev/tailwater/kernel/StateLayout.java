package dev.tailwater.kernel;

import dev.tailwater.schemas.ColumnType;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The shape of one entity's state for the facts of one view or several.
 *
 * @param columns types of the stored value columns, all scalar; at most 63
 * @param filters number of stored filter bits; at most 62
 * @param features all features over this state
 * @param identity whether facts carry an event id, and what the same id at the same event time
 *     means
 * @param latenessMs how far behind the clock a fact can still be inserted
 */
public record StateLayout(
    List<ColumnType> columns,
    int filters,
    List<FeatureSpec> features,
    Identity identity,
    long latenessMs)
    implements Serializable {

  public StateLayout {
    columns = List.copyOf(columns);
    features = List.copyOf(features);
  }

  /**
   * How old a fact can be that a window covers, in milliseconds; 0 without features, and {@link
   * Window#UNBOUNDED_MS} if facts of any age may be.
   */
  public long horizonMs() {
    long horizon = 0;
    for (FeatureSpec feature : features) {
      horizon = Math.max(horizon, feature.window().horizonMs());
    }
    return horizon;
  }

  /**
   * Whether the state keeps facts one by one only while they can still change, or are newer than a
   * delayed window's end, and older ones as one summary for each multiple of a window's resolution:
   * so its size does not depend on how many facts there are. That takes that all windows either
   * have a resolution or reach back to the first fact.
   */
  public boolean coarse() {
    boolean any = false;
    for (FeatureSpec feature : features) {
      if (feature.window() instanceof Window.Sliding sliding && sliding.resolutionMs() > 0) {
        any = true;
      } else if (!(feature.window() instanceof Window.Lifetime)) {
        return false;
      }
    }
    return any;
  }

  /** Writes the layout, in a format of its own. */
  public void write(DataOutput out) throws IOException {
    out.writeInt(columns.size());
    for (ColumnType column : columns) {
      out.writeUTF(column.name());
    }
    out.writeInt(filters);
    out.writeUTF(identity.name());
    out.writeLong(latenessMs);
    out.writeInt(features.size());
    for (FeatureSpec feature : features) {
      Aggregation aggregation = feature.aggregation();
      out.writeUTF(aggregation.function().name());
      out.writeInt(aggregation.column());
      out.writeInt(aggregation.second());
      out.writeInt(aggregation.by());
      out.writeInt(aggregation.limit());
      out.writeDouble(aggregation.parameter());
      out.writeInt(feature.filter());
      feature.window().write(out);
      out.writeBoolean(feature.excludesSelf());
      writeConstant(feature.empty(), out);
    }
  }

  /** Reads a layout. */
  public static StateLayout read(DataInput in) throws IOException {
    List<ColumnType> columns = new ArrayList<>();
    for (int i = in.readInt(); i > 0; i--) {
      columns.add(ColumnType.valueOf(in.readUTF()));
    }
    int filters = in.readInt();
    Identity identity = Identity.valueOf(in.readUTF());
    long latenessMs = in.readLong();
    List<FeatureSpec> features = new ArrayList<>();
    for (int i = in.readInt(); i > 0; i--) {
      features.add(
          new FeatureSpec(
              new Aggregation(
                  Aggregate.valueOf(in.readUTF()),
                  in.readInt(),
                  in.readInt(),
                  in.readInt(),
                  in.readInt(),
                  in.readDouble()),
              in.readInt(),
              Window.read(in),
              in.readBoolean(),
              readConstant(in)));
    }
    return new StateLayout(columns, filters, features, identity, latenessMs);
  }

  private static void writeConstant(@Nullable Object constant, DataOutput out) throws IOException {
    if (constant == null) {
      out.writeUTF("null");
    } else {
      out.writeUTF(constant.getClass().getSimpleName());
      out.writeUTF(constant.toString());
    }
  }

  private static @Nullable Object readConstant(DataInput in) throws IOException {
    String type = in.readUTF();
    if (type.equals("null")) {
      return null;
    }
    String text = in.readUTF();
    return switch (type) {
      case "Boolean" -> Boolean.valueOf(text);
      case "Integer" -> Integer.valueOf(text);
      case "Long" -> Long.valueOf(text);
      case "Double" -> Double.valueOf(text);
      case "String" -> text;
      default -> throw new IOException("A state layout has a constant of unknown type " + type);
    };
  }
}

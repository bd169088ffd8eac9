package dev.tailwater.connectors.iceberg;

import dev.tailwater.schemas.Prediction;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.table.data.ArrayData;
import org.apache.flink.table.data.MapData;
import org.apache.flink.table.data.RowData;
import org.apache.iceberg.flink.source.reader.RowDataConverter;

/** Rows of {@link PredictionTable#SCHEMA} as what {@link PredictionMapper} was given. */
final class PredictionConverter implements RowDataConverter<ArchivedPrediction> {

  private static final int TIMESTAMP_DIGITS = 6;

  /** Neighbours nearly always have the same names: then they share one list. */
  private transient List<String> lastNames = List.of();

  @Override
  public ArchivedPrediction apply(RowData row) {
    MapData vector = row.getMap(9);
    return new ArchivedPrediction(
        new Prediction(
            text(row, 0),
            text(row, 1),
            text(row, 2),
            text(row, 3),
            millis(row, 4),
            orNaN(row, 5),
            Prediction.Outcome.valueOf(text(row, 6)),
            row.isNullAt(7) ? null : text(row, 7),
            orNaN(row, 8),
            names(vector.keyArray()),
            values(vector.valueArray()),
            text(row, 10),
            row.getInt(11),
            row.getLong(12)),
        text(row, 13),
        row.isNullAt(14) ? -1 : row.getInt(14),
        row.isNullAt(15) ? -1 : row.getLong(15),
        millis(row, 16));
  }

  private static String text(RowData row, int position) {
    return row.getString(position).toString();
  }

  private static long millis(RowData row, int position) {
    return row.getTimestamp(position, TIMESTAMP_DIGITS).getMillisecond();
  }

  private static double orNaN(RowData row, int position) {
    return row.isNullAt(position) ? Double.NaN : row.getDouble(position);
  }

  private List<String> names(ArrayData keys) {
    List<String> names = new ArrayList<>(keys.size());
    for (int i = 0; i < keys.size(); i++) {
      names.add(keys.getString(i).toString());
    }
    if (!names.equals(lastNames)) {
      lastNames = List.copyOf(names);
    }
    return lastNames;
  }

  private static double[] values(ArrayData array) {
    double[] values = new double[array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = array.isNullAt(i) ? Double.NaN : array.getDouble(i);
    }
    return values;
  }

  @Override
  public TypeInformation<ArchivedPrediction> getProducedType() {
    return ArchivedPrediction.typeInfo();
  }
}

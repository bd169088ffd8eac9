package dev.tailwater.schemas;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class JsonCollectionsTest {

  @Test
  void theTextIsShortAndPlain() {
    assertThat(JsonCollections.write(List.of(3L, -1L))).isEqualTo("[3,-1]");
    assertThat(JsonCollections.write(List.of(0.5, Double.NaN, Double.NEGATIVE_INFINITY, -0.0)))
        .isEqualTo("[0.5,\"NaN\",\"-Infinity\",-0.0]");
    assertThat(JsonCollections.write(List.of("a\"b", "żółw"))).isEqualTo("[\"a\\\"b\",\"żółw\"]");
    assertThat(JsonCollections.write(new TreeMap<>(Map.of("b", 2L, "a", 1L))))
        .isEqualTo("{\"a\":1,\"b\":2}");
    assertThat(JsonCollections.write(List.of())).isEqualTo("[]");
    assertThat(JsonCollections.write(Map.of())).isEqualTo("{}");
  }

  @ParameterizedTest(name = "seed {0}")
  @ValueSource(longs = {1, 2, 3})
  void everyValueIsReadBackAsItWas(long seed) {
    Random random = new Random(seed);
    for (int i = 0; i < 1_000; i++) {
      List<Object> longs = new ArrayList<>();
      List<Object> doubles = new ArrayList<>();
      List<Object> texts = new ArrayList<>();
      Map<String, Object> longMap = new TreeMap<>();
      Map<String, Object> doubleMap = new TreeMap<>();
      for (int n = random.nextInt(5); n > 0; n--) {
        double number = Double.longBitsToDouble(random.nextLong());
        String text = Character.toString(random.nextInt(0xD800)) + n;
        longs.add(random.nextLong());
        doubles.add(number);
        texts.add(text);
        longMap.put(text, random.nextLong());
        doubleMap.put(text, number);
      }
      assertReadBack(ColumnType.LONG_LIST, longs);
      assertReadBack(ColumnType.DOUBLE_LIST, doubles);
      assertReadBack(ColumnType.STRING_LIST, texts);
      assertReadBack(ColumnType.LONG_MAP, longMap);
      assertReadBack(ColumnType.DOUBLE_MAP, doubleMap);
    }
  }

  private static void assertReadBack(ColumnType type, Object value) {
    Object read = JsonCollections.read(type, JsonCollections.write(value));
    assertThat(read).isEqualTo(value).hasToString(value.toString());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "LONG_LIST;[1.5]",
        "LONG_LIST;{}",
        "LONG_LIST;[1",
        "LONG_LIST;[1] 2",
        "LONG_LIST;[null]",
        "LONG_LIST;[99999999999999999999]",
        "DOUBLE_LIST;[\"nan\"]",
        "STRING_LIST;[1]",
        "DOUBLE_MAP;[1]",
        "LONG_MAP;{\"a\":[]}",
        "LONG_MAP;''",
      })
  void anyOtherTextIsRefused(ColumnType type, String text) {
    assertThatThrownBy(() -> JsonCollections.read(type, text))
        .isInstanceOf(IllegalArgumentException.class);
  }
}

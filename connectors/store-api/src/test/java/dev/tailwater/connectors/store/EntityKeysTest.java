package dev.tailwater.connectors.store;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class EntityKeysTest {

  private static final Column TEXT = new Column("text", ColumnType.STRING, false);
  private static final Column NUMBER = new Column("number", ColumnType.LONG, false);

  @Test
  void oneColumnIsItsPlainText() {
    assertThat(encode("a|b\\c")).isEqualTo("a|b\\c");
    assertThat(EntityKeys.decode("a|b\\c", List.of(TEXT))).containsExactly("a|b\\c");
  }

  @Test
  void severalColumnsCannotRunIntoEachOther() {
    assertThat(encode("a|b", "c")).isNotEqualTo(encode("a", "b|c"));
    assertThat(EntityKeys.decode(key("a|b\\", -7L), List.of(TEXT, NUMBER)))
        .containsExactly("a|b\\", -7L);
    assertThat(EntityKeys.decode(key("", 7L), List.of(TEXT, NUMBER))).containsExactly("", 7L);
  }

  @Test
  void aMissingPartMeansNoKey() {
    assertThat(encode("a", null)).isNull();
    assertThat(encode((Object) null)).isNull();
  }

  private static String key(Object... values) {
    String key = encode(values);
    assertThat(key).isNotNull();
    return String.valueOf(key);
  }

  private static @Nullable String encode(@Nullable Object... values) {
    int[] positions = new int[values.length];
    for (int i = 0; i < positions.length; i++) {
      positions[i] = i;
    }
    return EntityKeys.encode(values, positions);
  }
}

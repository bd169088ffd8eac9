package dev.tailwater.connectors.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import redis.clients.jedis.JedisClientConfig;

class RedisAddressTest {

  @Test
  void readsHostPortDatabaseUserAndPassword() {
    RedisAddress address = RedisAddress.parse("rediss://writer:s%3Acret@redis.internal:7000/2");
    JedisClientConfig config = address.clientConfig(Duration.ofSeconds(1), "test");

    assertThat(address.hostAndPort()).hasToString("redis.internal:7000");
    assertThat(config.isSsl()).isTrue();
    assertThat(config.getDatabase()).isEqualTo(2);
    assertThat(config.getUser()).isEqualTo("writer");
    assertThat(config.getPassword()).isEqualTo("s:cret");
    assertThat(config.getSocketTimeoutMillis()).isEqualTo(1_000);
  }

  @Test
  void neverShowsThePassword() {
    assertThat(RedisAddress.parse("redis://writer:secret@localhost:7000/1"))
        .hasToString("redis://localhost:7000/1");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "http://user:secret@localhost",
        "redis://user:secret@",
        "redis://user:secret@localhost/one",
        "redis://user:secret @localhost",
        "localhost:6379"
      })
  void refusesWhatIsNotAnAddressWithoutShowingThePassword(String text) {
    assertThatThrownBy(() -> RedisAddress.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("redis://[user:password@]host")
        .hasMessageNotContaining("secret")
        .hasNoCause();
  }
}

package dev.tailwater.localstack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RedisBinaryTest {

  @ParameterizedTest
  @CsvSource({"Linux,amd64", "Linux,aarch64", "Mac OS X,x86_64", "Mac OS X,aarch64"})
  void everySupportedMachineHasABinaryOnTheClassPath(String system, String machine)
      throws Exception {
    assertThat(RedisBinary.class.getResource(RedisBinary.resource(system, machine))).isNotNull();
  }

  @Test
  void unsupportedMachineIsNamed() {
    assertThatThrownBy(() -> RedisBinary.resource("SunOS", "sparcv9"))
        .isInstanceOf(ServerStartException.class)
        .hasMessageContaining("SunOS on sparcv9");
  }
}

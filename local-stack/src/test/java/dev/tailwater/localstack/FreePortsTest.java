package dev.tailwater.localstack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.net.ServerSocket;
import org.junit.jupiter.api.Test;

class FreePortsTest {

  @Test
  void zeroMeansAnyFreePort() throws Exception {
    assertThat(FreePorts.choose(0, "Kafka")).isBetween(1, 65_535);
  }

  @Test
  void takenPortIsNamedWithItsServerAndTheWayOut() throws Exception {
    try (ServerSocket other = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      int port = other.getLocalPort();

      assertThatThrownBy(() -> FreePorts.choose(port, "Kafka"))
          .isInstanceOf(PortTakenException.class)
          .hasMessageContaining("port " + port)
          .hasMessageContaining("Kafka")
          .hasMessageContaining("another port");
    }
  }

  @Test
  void numberThatIsNoPortIsRefused() {
    assertThatThrownBy(() -> FreePorts.choose(70_000, "Redis"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("70000");
  }
}

package dev.tailwater.localstack;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;

/** Ports of the loopback interface. */
public final class FreePorts {

  private FreePorts() {}

  /** A port nobody listens on now. Another process may still take it before it is used. */
  public static int free() {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new UncheckedIOException("127.0.0.1 has no free port: " + e.getMessage(), e);
    }
  }

  /** Whether a server could listen on the port now. */
  public static boolean isFree(int port) {
    try (ServerSocket socket = new ServerSocket()) {
      // Connections of a stopped server linger for a minute; they must not make its port look
      // taken.
      socket.setReuseAddress(true);
      socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 1);
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  /** The port itself once checked, or a free one when it is 0. */
  static int choose(int port, String server) throws PortTakenException {
    if (port < 0 || port > 65_535) {
      throw new IllegalArgumentException(
          "port %d for %s is not a port: use 1 to 65535, or 0 for any free one"
              .formatted(port, server));
    }
    if (port == 0) {
      return free();
    }
    if (!isFree(port)) {
      throw new PortTakenException(port, server);
    }
    return port;
  }
}

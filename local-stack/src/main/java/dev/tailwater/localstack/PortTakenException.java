package dev.tailwater.localstack;

import java.io.IOException;

/** Another process listens on the port a server was told to use. */
public final class PortTakenException extends IOException {

  private final int port;

  /**
   * Says which port, for what, and how to go on.
   *
   * @param server the server that wanted the port, for example {@code Kafka}
   */
  public PortTakenException(int port, String server) {
    super(
        "port %d of 127.0.0.1 is taken, so %s cannot listen there: stop the process that uses it (lsof -i :%d), or start %s on another port, 0 for any free one"
            .formatted(port, server, port, server));
    this.port = port;
  }

  /** The taken port. */
  public int port() {
    return port;
  }
}

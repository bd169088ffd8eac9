package dev.tailwater.localstack;

import java.io.IOException;

/** A server did not come up; the message names its log file and quotes the end of it. */
public final class ServerStartException extends IOException {

  ServerStartException(String message) {
    super(message);
  }
}

package dev.tailwater.localstack;

import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.net.URLConnection;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Locale;

/** The Redis server for this machine, carried on the class path. */
final class RedisBinary {

  private RedisBinary() {}

  /** Puts the binary at the given place, unless it is there already, and returns that place. */
  static Path extract(Path target) throws IOException {
    String resource = resource(System.getProperty("os.name"), System.getProperty("os.arch"));
    URL binary = RedisBinary.class.getResource(resource);
    if (binary == null) {
      throw new ServerStartException(
          "the class path lacks %s, the Redis server for this machine: add com.github.codemonstur:embedded-redis"
              .formatted(resource));
    }
    URLConnection connection = binary.openConnection();
    connection.setUseCaches(false);
    try (InputStream bytes = connection.getInputStream()) {
      if (Files.exists(target) && Files.size(target) == connection.getContentLengthLong()) {
        return target;
      }
      // Complete or absent: a copy cut short must not be taken for the server at the next start.
      Path partial = target.resolveSibling(target.getFileName() + ".partial");
      Files.copy(bytes, partial, StandardCopyOption.REPLACE_EXISTING);
      Files.setPosixFilePermissions(partial, PosixFilePermissions.fromString("rwx------"));
      return Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE);
    }
  }

  /** The resource for an operating system and architecture as the JVM names them. */
  static String resource(String operatingSystem, String architecture) throws ServerStartException {
    String system = operatingSystem.toLowerCase(Locale.ROOT);
    String machine = architecture.toLowerCase(Locale.ROOT);
    boolean arm = machine.equals("aarch64") || machine.equals("arm64");
    boolean intel = machine.equals("amd64") || machine.equals("x86_64");
    if (system.startsWith("linux") && intel) {
      return "/redis-server-6.2.6-v5-linux-amd64";
    }
    if (system.startsWith("linux") && arm) {
      return "/redis-server-6.2.7-linux-arm64";
    }
    if (system.startsWith("mac") && intel) {
      return "/redis-server-6.2.6-v5-darwin-amd64";
    }
    if (system.startsWith("mac") && arm) {
      return "/redis-server-6.2.6-v5-darwin-arm64";
    }
    throw new ServerStartException(
        "there is no Redis server for %s on %s: the local stack runs on Linux and macOS, x86-64 and arm64; start Redis yourself and name its port instead"
            .formatted(operatingSystem, architecture));
  }
}

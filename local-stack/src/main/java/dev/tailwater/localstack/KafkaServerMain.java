package dev.tailwater.localstack;

import java.io.IOException;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.metadata.storage.Formatter;
import org.apache.kafka.server.common.MetadataVersion;

/**
 * The broker's own JVM: formats an empty data folder, starts broker and controller, and says so on
 * standard output. It stops orderly when it is terminated.
 */
final class KafkaServerMain {

  private KafkaServerMain() {}

  /** Takes one argument, the properties file of the server. */
  public static void main(String[] arguments) throws Exception {
    Properties properties = new Properties();
    try (Reader reader = Files.newBufferedReader(Path.of(arguments[0]), StandardCharsets.UTF_8)) {
      properties.load(reader);
    }
    formatIfNew(properties);
    // Kafka's own shutdown hook is part of its start script, not of the server.
    KafkaRaftServer server = new KafkaRaftServer(KafkaConfig.fromProps(properties), Time.SYSTEM);
    Runtime.getRuntime().addShutdownHook(new Thread(server::shutdown, "orderly stop"));
    try {
      server.startup();
    } catch (Throwable e) {
      e.printStackTrace(); // Into kafka.log.
      Runtime.getRuntime().halt(1); // Threads of the half-started server would keep the JVM alive.
    }
    System.out.println("READY");
    System.out.flush();
    server.awaitShutdown();
  }

  private static void formatIfNew(Properties properties) throws Exception {
    Path directory = Path.of(required(properties, "log.dirs"));
    if (Files.exists(directory.resolve("meta.properties"))) {
      return;
    }
    Files.createDirectories(directory);
    Formatter formatter = new Formatter();
    formatter.setClusterId(Uuid.randomUuid().toString());
    formatter.setNodeId(Integer.parseInt(required(properties, "node.id")));
    formatter.addDirectory(directory.toString());
    formatter.setMetadataLogDirectory(directory.toString());
    formatter.setControllerListenerName(required(properties, "controller.listener.names"));
    formatter.setReleaseVersion(MetadataVersion.LATEST_PRODUCTION);
    formatter.setPrintStream(System.err);
    formatter.run();
  }

  private static String required(Properties properties, String key) throws IOException {
    String value = properties.getProperty(key);
    if (value == null) {
      throw new IOException("the server's properties lack " + key);
    }
    return value;
  }
}

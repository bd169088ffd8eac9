package dev.tailwater.localstack;

import java.nio.file.Path;

/** A JVM that starts both servers, prints their ports, and then only waits to be killed. */
final class ServersUntilKilled {

  private ServersUntilKilled() {}

  public static void main(String[] arguments) throws Exception {
    Path directory = Path.of(arguments[0]);
    KafkaServer kafka = KafkaServer.start(directory.resolve("kafka"), 0);
    RedisServer redis = RedisServer.start(directory.resolve("redis"), 0);
    System.out.println(kafka.port());
    System.out.println(redis.port());
    System.out.flush();
    System.in.read();
  }
}

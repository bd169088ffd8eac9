package dev.tailwater.connectors.kafka;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.Config;
import org.apache.kafka.clients.admin.ListOffsetsResult;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.KafkaFuture;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.GroupIdNotFoundException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/**
 * Administration of the topics of a log. Every call waits for the broker for 30 seconds at most.
 */
public final class Topics {

  private static final long TIMEOUT_SECONDS = 30;

  /** After this, a broker that has not heard of a new topic is asked again. */
  private static final long UNHEARD_OF_NANOS = TimeUnit.MILLISECONDS.toNanos(10);

  private Topics() {}

  /**
   * How an existing topic is not as it should be.
   *
   * @param what {@code partitions}, or the name of a setting
   */
  public record Difference(String topic, String what, String expected, String actual) {

    /** The difference as a sentence, with its consequence. */
    @Override
    public String toString() {
      String consequence =
          what.equals("partitions")
              ? "adding some moves keys to other partitions, so create a new topic and copy the records"
              : "change it with kafka-configs, or declare what it is";
      return "topic %s: %s is %s, expected %s; %s"
          .formatted(topic, what, actual, expected, consequence);
    }
  }

  /**
   * Creates the topics that do not exist, and returns when their partitions take records. Existing
   * ones are never changed: whatever is different there is returned, and the caller decides.
   *
   * @return the differences of existing topics, in the order of the specs; empty if all is well
   * @throws IOException if the log does not answer, or refuses a topic
   */
  public static List<Difference> ensure(KafkaLog log, List<TopicSpec> specs) throws IOException {
    try (Admin admin = Admin.create(log.adminProperties())) {
      List<NewTopic> topics =
          specs.stream()
              .map(
                  spec ->
                      new NewTopic(spec.name(), Optional.of(spec.partitions()), spec.replication())
                          .configs(spec.settings()))
              .toList();
      Map<String, KafkaFuture<Void>> created = admin.createTopics(topics).values();
      List<TopicSpec> existing = new ArrayList<>();
      List<TopicPartition> fresh = new ArrayList<>();
      for (TopicSpec spec : specs) {
        KafkaFuture<Void> outcome = created.get(spec.name());
        if (outcome != null && existed(log, spec.name(), outcome)) {
          existing.add(spec);
        } else {
          for (int partition = 0; partition < spec.partitions(); partition++) {
            fresh.add(new TopicPartition(spec.name(), partition));
          }
        }
      }
      awaitLeaders(log, admin, fresh);
      return differences(log, admin, existing);
    }
  }

  private static boolean existed(KafkaLog log, String topic, KafkaFuture<Void> created)
      throws IOException {
    try {
      await(log, "create topic " + topic, created);
      return false;
    } catch (IOException e) {
      if (e.getCause() instanceof TopicExistsException) {
        return true;
      }
      throw e;
    }
  }

  /**
   * A topic is announced before its leaders have its partitions. Should a producer's first batch
   * come before that and its second one after, the leader would refuse the first and take the
   * second, and then refuse the first for ever, as out of sequence (KAFKA-15591): the producer
   * gives it up after two minutes. Only a leader that has a partition knows where it ends.
   *
   * <p>The client asks again where a partition has no leader yet, but not where the broker that it
   * asks has not heard of the topic yet, which the controller has created (KAFKA-15425).
   */
  private static void awaitLeaders(KafkaLog log, Admin admin, List<TopicPartition> partitions)
      throws IOException {
    String what = "reach the leaders of " + partitions;
    long deadline = deadline();
    while (true) {
      try {
        var unused = await(log, what, list(admin, partitions, OffsetSpec.latest()).all(), deadline);
        return;
      } catch (IOException e) {
        if (!(e.getCause() instanceof UnknownTopicOrPartitionException)
            || System.nanoTime() - deadline > 0) {
          throw e;
        }
      }
      LockSupport.parkNanos(UNHEARD_OF_NANOS);
    }
  }

  private static ListOffsetsResult list(
      Admin admin, List<TopicPartition> partitions, OffsetSpec which) {
    return admin.listOffsets(
        partitions.stream().collect(Collectors.toMap(Function.identity(), p -> which)));
  }

  private static List<Difference> differences(KafkaLog log, Admin admin, List<TopicSpec> existing)
      throws IOException {
    List<String> names = existing.stream().map(TopicSpec::name).toList();
    Map<String, TopicDescription> descriptions =
        await(log, "describe topics " + names, admin.describeTopics(names).allTopicNames());
    Map<ConfigResource, Config> settings =
        await(
            log,
            "read the settings of topics " + names,
            admin
                .describeConfigs(
                    names.stream()
                        .map(name -> new ConfigResource(ConfigResource.Type.TOPIC, name))
                        .toList())
                .all());
    List<Difference> differences = new ArrayList<>();
    for (TopicSpec spec : existing) {
      TopicDescription description = descriptions.get(spec.name());
      if (description != null && description.partitions().size() != spec.partitions()) {
        differences.add(
            new Difference(
                spec.name(),
                "partitions",
                Integer.toString(spec.partitions()),
                Integer.toString(description.partitions().size())));
      }
      Config config = settings.get(new ConfigResource(ConfigResource.Type.TOPIC, spec.name()));
      new TreeMap<>(spec.settings())
          .forEach(
              (name, expected) -> {
                String actual =
                    config == null || config.get(name) == null
                        ? "unknown"
                        : config.get(name).value();
                if (!expected.equals(actual)) {
                  differences.add(new Difference(spec.name(), name, expected, actual));
                }
              });
    }
    return differences;
  }

  /**
   * The end of every partition now: the offset the next record will get.
   *
   * @return offsets by partition, by topic
   * @throws IOException if a topic does not exist or the log does not answer
   */
  public static Map<String, Map<Integer, Long>> endOffsets(KafkaLog log, Collection<String> topics)
      throws IOException {
    return offsets(log, topics, OffsetSpec.latest());
  }

  /**
   * The first record every partition still has; equal to its end if it has none.
   *
   * @return offsets by partition, by topic
   * @throws IOException if a topic does not exist or the log does not answer
   */
  public static Map<String, Map<Integer, Long>> beginningOffsets(
      KafkaLog log, Collection<String> topics) throws IOException {
    return offsets(log, topics, OffsetSpec.earliest());
  }

  /**
   * How far a group has committed: the offset of the next record it would read.
   *
   * @return offsets by partition, by topic; partitions that it committed nothing of are absent
   * @throws IOException if the log does not answer
   */
  public static Map<String, Map<Integer, Long>> committedOffsets(KafkaLog log, String group)
      throws IOException {
    try (Admin admin = Admin.create(log.adminProperties())) {
      Map<TopicPartition, OffsetAndMetadata> found =
          await(
              log,
              "read the offsets of group " + group,
              admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata());
      Map<String, Map<Integer, Long>> offsets = new HashMap<>();
      found.forEach(
          (partition, committed) -> {
            if (committed != null) {
              offsets
                  .computeIfAbsent(partition.topic(), topic -> new TreeMap<>())
                  .put(partition.partition(), committed.offset());
            }
          });
      return offsets;
    }
  }

  /**
   * Forgets what a group has committed; without effect if there is no such group.
   *
   * @throws IOException if the log does not answer, or the group still reads
   */
  public static void forgetGroup(KafkaLog log, String group) throws IOException {
    try (Admin admin = Admin.create(log.adminProperties())) {
      Object unused =
          await(
              log,
              "forget the offsets of group " + group,
              admin.deleteConsumerGroups(List.of(group)).all());
    } catch (IOException e) {
      if (!(e.getCause() instanceof GroupIdNotFoundException)) {
        throw e;
      }
    }
  }

  private static Map<String, Map<Integer, Long>> offsets(
      KafkaLog log, Collection<String> topics, OffsetSpec which) throws IOException {
    try (Admin admin = Admin.create(log.adminProperties())) {
      Map<String, TopicDescription> descriptions =
          await(log, "describe topics " + topics, admin.describeTopics(topics).allTopicNames());
      List<TopicPartition> partitions = new ArrayList<>();
      descriptions.forEach(
          (topic, description) ->
              description
                  .partitions()
                  .forEach(info -> partitions.add(new TopicPartition(topic, info.partition()))));
      Map<TopicPartition, ListOffsetsResult.ListOffsetsResultInfo> found =
          await(log, "read the offsets of topics " + topics, list(admin, partitions, which).all());
      Map<String, Map<Integer, Long>> offsets = new HashMap<>();
      found.forEach(
          (partition, info) ->
              offsets
                  .computeIfAbsent(partition.topic(), topic -> new TreeMap<>())
                  .put(partition.partition(), info.offset()));
      return offsets;
    }
  }

  private static long deadline() {
    return System.nanoTime() + TimeUnit.SECONDS.toNanos(TIMEOUT_SECONDS);
  }

  private static <T> T await(KafkaLog log, String what, KafkaFuture<T> answer) throws IOException {
    return await(log, what, answer, deadline());
  }

  /**
   * @param deadline as {@link System#nanoTime} tells it
   */
  private static <T> T await(KafkaLog log, String what, KafkaFuture<T> answer, long deadline)
      throws IOException {
    try {
      return answer.get(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof org.apache.kafka.common.errors.TimeoutException) {
        throw noAnswer(log, what, e.getCause());
      }
      throw new IOException(
          "could not %s at %s: %s".formatted(what, log.bootstrapServers(), e.getCause()),
          e.getCause());
    } catch (TimeoutException e) {
      throw noAnswer(log, what, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("could not " + what + ": the thread was interrupted", e);
    }
  }

  private static IOException noAnswer(KafkaLog log, String what, Throwable cause) {
    return new IOException(
        "could not %s: the log at %s did not answer in time; start it, or correct kafka.bootstrap in the environment file"
            .formatted(what, log.bootstrapServers()),
        cause);
  }
}

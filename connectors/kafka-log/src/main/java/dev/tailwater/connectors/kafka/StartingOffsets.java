package dev.tailwater.connectors.kafka;

import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.connector.kafka.source.split.KafkaPartitionSplit;
import org.apache.kafka.clients.consumer.OffsetResetStrategy;
import org.apache.kafka.common.TopicPartition;

/**
 * {@link StartAt} for Flink's source. Flink's own initializers let the consumer jump to the first
 * kept record when the wanted one was deleted; this one makes it fail, because a gap in the log
 * must not vanish silently.
 */
record StartingOffsets(StartAt start) implements OffsetsInitializer {

  @Override
  public Map<TopicPartition, Long> getPartitionOffsets(
      Collection<TopicPartition> partitions, PartitionOffsetsRetriever log) {
    Map<TopicPartition, Long> committed =
        start instanceof StartAt.Committed ? log.committedOffsets(partitions) : Map.of();
    Map<TopicPartition, Long> offsets = new HashMap<>();
    for (TopicPartition partition : partitions) {
      Long offset =
          start instanceof StartAt.Offsets explicit
              ? explicit.byPartition().get(partition.partition())
              : committed.get(partition);
      offsets.put(partition, offset == null ? KafkaPartitionSplit.EARLIEST_OFFSET : offset);
    }
    return offsets;
  }

  @Override
  public OffsetResetStrategy getAutoOffsetResetStrategy() {
    return OffsetResetStrategy.NONE;
  }
}

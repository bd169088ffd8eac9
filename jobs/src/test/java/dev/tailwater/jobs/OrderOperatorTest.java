package dev.tailwater.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.typeutils.base.LongSerializer;
import org.apache.flink.core.memory.ManagedMemoryUseCase;
import org.apache.flink.runtime.operators.testutils.MockEnvironment;
import org.apache.flink.runtime.operators.testutils.MockEnvironmentBuilder;
import org.apache.flink.streaming.runtime.streamrecord.RecordAttributes;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.Test;

/** When the operator says what; the order itself is {@link KeyOrderTest}'s. */
class OrderOperatorTest {

  /** The hundreds of a number are its key, and the rest its time. */
  private static final class ByHundreds implements OrderOperator.By<Long> {

    @Override
    public Object key(Long record) {
      return record / 100;
    }

    @Override
    public long time(Long record) {
      return record % 100;
    }

    @Override
    public int compare(Long one, Long other) {
      return Long.compare(time(one), time(other));
    }
  }

  private static List<Object> emitted(int records, boolean toTheEnd) throws Exception {
    try (MockEnvironment environment = new MockEnvironmentBuilder().build();
        OneInputStreamOperatorTestHarness<Packed, Long> order =
            new OneInputStreamOperatorTestHarness<>(
                new OrderOperator<>(LongSerializer.INSTANCE, new ByHundreds()), environment)) {
      order
          .getStreamConfig()
          .setManagedMemoryFractionOperatorOfUseCase(ManagedMemoryUseCase.OPERATOR, 1);
      order.open();
      Packing<Long> packing = new Packing<>(LongSerializer.INSTANCE, new ByHundreds());
      for (long record = records - 1; record >= 0; record--) {
        order.processElement(new StreamRecord<>(packing.pack(record)));
      }
      if (toTheEnd) {
        order.endInput();
      }
      return new ArrayList<>(order.getOutput());
    }
  }

  @Test
  void aBacklogIsToldOnceAndBeforeItIsInOrder() throws Exception {
    assertThat(emitted(2 * OrderOperator.BACKLOG, false))
        .singleElement()
        .isInstanceOfSatisfying(
            RecordAttributes.class, told -> assertThat(told.isBacklog()).isTrue());
  }

  @Test
  void fewRecordsAreNoBacklog() throws Exception {
    assertThat(emitted(OrderOperator.BACKLOG - 1, true))
        .hasSize(OrderOperator.BACKLOG - 1)
        .allSatisfy(element -> assertThat(element).isInstanceOf(StreamRecord.class));
  }
}

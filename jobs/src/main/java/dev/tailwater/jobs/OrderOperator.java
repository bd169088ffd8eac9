package dev.tailwater.jobs;

import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Objects;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.core.memory.ManagedMemoryUseCase;
import org.apache.flink.core.memory.MemorySegment;
import org.apache.flink.runtime.execution.Environment;
import org.apache.flink.runtime.io.disk.iomanager.IOManager;
import org.apache.flink.runtime.memory.MemoryAllocationException;
import org.apache.flink.runtime.memory.MemoryManager;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedOneInput;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.RecordAttributesBuilder;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.jspecify.annotations.Nullable;

/**
 * Takes in the whole of a bounded input and then emits it in order, see {@link KeyOrder}, within
 * the task's managed memory and beyond it on disk. That a {@linkplain #BACKLOG backlog} is coming
 * it says at once. It keeps no state: a run that fails starts anew.
 */
final class OrderOperator<T> extends AbstractStreamOperator<T>
    implements OneInputStreamOperator<Packed, T>, BoundedOneInput {

  /** Of the managed memory of a task, relative to what else asks for some, in MiB. */
  private static final int MEMORY_WEIGHT = 128;

  /** So many records take longer than what can be prepared for them. */
  static final int BACKLOG = 20_000;

  private final TypeSerializer<T> serializer;
  private final By<T> by;

  private transient KeyOrder<T> order;
  private transient int records;

  /** What a bounded input is ordered by. */
  interface By<T> extends Serializable {

    /** Records of equal keys come one after the other. */
    Object key(T record);

    /** The first criterion among the records of a key. */
    long time(T record);

    /** The order among the records of a key: first of all that of their times. */
    int compare(T one, T other);
  }

  OrderOperator(TypeSerializer<T> serializer, By<T> by) {
    this.serializer = serializer;
    this.by = by;
  }

  /**
   * The records of bounded streams in order, in each of the partitions, and all of a key in one of
   * them.
   *
   * @param streams together the input; each is packed where it comes from, so their union is not
   *     exchanged once more
   * @param name of what they are ordered for
   */
  static <T> SingleOutputStreamOperator<T> inOrder(
      List<DataStream<T>> streams, TypeSerializer<T> serializer, By<T> by, String name) {
    DataStream<Packed> packed = null;
    for (int i = 0; i < streams.size(); i++) {
      DataStream<Packed> part =
          streams
              .get(i)
              .transform("pack:" + name, Packed.typeInfo(), new PackOperator<>(serializer, by))
              .uid("pack:" + name + ":" + i);
      packed = packed == null ? part : packed.union(part);
    }
    SingleOutputStreamOperator<T> ordered =
        Objects.requireNonNull(packed)
            .partitionCustom(
                (hash, partitions) -> Math.floorMod(hash, partitions),
                record -> record.hash() * 0x9e3779b9 >>> 8)
            .transform(
                "order:" + name, streams.get(0).getType(), new OrderOperator<>(serializer, by))
            .uid("order:" + name);
    ordered
        .getTransformation()
        .declareManagedMemoryUseCaseAtOperatorScope(ManagedMemoryUseCase.OPERATOR, MEMORY_WEIGHT);
    return ordered;
  }

  @Override
  public void open() throws Exception {
    super.open();
    order =
        new KeyOrder<>(new Packing<>(serializer, by), new ManagedPages(), KeyOrder.LOADED_BYTES);
  }

  @Override
  public void processElement(StreamRecord<Packed> element) throws Exception {
    order.add(element.getValue());
    if (records < BACKLOG && ++records == BACKLOG) {
      // Who runs behind can get ready for many records while they are taken in.
      output.emitRecordAttributes(new RecordAttributesBuilder(List.of()).setBacklog(true).build());
    }
  }

  @Override
  public void endInput() throws Exception {
    StreamRecord<T> emitted = new StreamRecord<>(null);
    order.drain(record -> output.collect(emitted.replace(record, by.time(record))));
  }

  @Override
  public void close() throws Exception {
    if (order != null) {
      order.close();
    }
    super.close();
  }

  /** This operator's share of the task's managed memory, page by page as it is needed. */
  private final class ManagedPages implements PagePool {

    private final MemoryManager memory;
    private final IOManager files;
    private final Deque<MemorySegment> free = new ArrayDeque<>();
    private final int count;
    private int left;

    ManagedPages() {
      Environment environment = getContainingTask().getEnvironment();
      memory = environment.getMemoryManager();
      files = environment.getIOManager();
      double share =
          getOperatorConfig()
              .getManagedMemoryFractionOperatorUseCaseOfSlot(
                  ManagedMemoryUseCase.OPERATOR,
                  environment.getJobConfiguration(),
                  environment.getTaskManagerInfo().getConfiguration(),
                  environment.getUserCodeClassLoader().asClassLoader());
      count = memory.computeNumberOfPages(share);
      left = count;
    }

    @Override
    public int pageSize() {
      return memory.getPageSize();
    }

    @Override
    public int count() {
      return count;
    }

    @Override
    public @Nullable MemorySegment take() throws IOException {
      MemorySegment page = free.poll();
      if (page != null || left == 0) {
        return page;
      }
      left--;
      try {
        return memory.allocatePages(OrderOperator.this, 1).get(0);
      } catch (MemoryAllocationException e) {
        throw new IOException("the task's managed memory is taken by another operator", e);
      }
    }

    @Override
    public void give(MemorySegment page) {
      free.add(page);
    }

    @Override
    public Path newFile() {
      return files.createChannel().getPathFile().toPath();
    }

    @Override
    public void close() {
      memory.release(free);
    }
  }
}

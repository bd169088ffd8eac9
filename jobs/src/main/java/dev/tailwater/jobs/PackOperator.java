package dev.tailwater.jobs;

import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;

/** Turns records into bytes where they come from: behind it nobody reads them until in order. */
final class PackOperator<T> extends AbstractStreamOperator<Packed>
    implements OneInputStreamOperator<T, Packed> {

  private final TypeSerializer<T> serializer;
  private final OrderOperator.By<T> by;

  private transient Packing<T> packing;
  private transient StreamRecord<Packed> emitted;

  PackOperator(TypeSerializer<T> serializer, OrderOperator.By<T> by) {
    this.serializer = serializer;
    this.by = by;
  }

  @Override
  public void open() throws Exception {
    super.open();
    packing = new Packing<>(serializer, by);
    emitted = new StreamRecord<>(null);
  }

  @Override
  public void processElement(StreamRecord<T> element) throws Exception {
    output.collect(emitted.replace(packing.pack(element.getValue()), element.getTimestamp()));
  }
}

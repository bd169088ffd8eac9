package dev.tailwater.jobs;

import java.io.IOException;
import java.util.List;
import org.apache.flink.runtime.checkpoint.CheckpointOptions;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.state.CheckpointStateOutputStream;
import org.apache.flink.runtime.state.CheckpointStreamFactory;
import org.apache.flink.runtime.state.CheckpointedStateScope;
import org.apache.flink.runtime.state.StreamStateHandle;
import org.apache.flink.runtime.state.memory.MemCheckpointStreamFactory;
import org.apache.flink.streaming.api.operators.OperatorSnapshotFinalizer;
import org.apache.flink.streaming.api.operators.StreamOperator;
import org.jspecify.annotations.Nullable;

/** A checkpoint that stops before one of its writes and lets something else happen. */
final class InterruptedCheckpoint implements CheckpointStreamFactory {

  /** What happens before the write. */
  interface Interruption {
    void happen() throws Exception;
  }

  private final CheckpointStreamFactory memory = new MemCheckpointStreamFactory(1 << 24);
  private final int before;
  private final Interruption interruption;
  private boolean taken;
  private int writes;

  /**
   * Interrupts once.
   *
   * @param before the number of the write, from 0
   */
  InterruptedCheckpoint(int before, Interruption interruption) {
    this.before = before;
    this.interruption = interruption;
  }

  /** Whether there was such a write. */
  boolean interrupted() {
    return writes > before;
  }

  /** Takes the checkpoint of an operator, and then writes it. */
  OperatorSubtaskState of(StreamOperator<?> operator) throws Exception {
    operator.prepareSnapshotPreBarrier(1);
    var futures =
        operator.snapshotState(1, 1, CheckpointOptions.forCheckpointWithDefaultLocation(), this);
    taken = true;
    return OperatorSnapshotFinalizer.create(futures).getJobManagerOwnedState();
  }

  @Override
  public CheckpointStateOutputStream createCheckpointStateOutputStream(CheckpointedStateScope scope)
      throws IOException {
    return new Stream(memory.createCheckpointStateOutputStream(scope));
  }

  @Override
  public boolean canFastDuplicate(StreamStateHandle handle, CheckpointedStateScope scope) {
    return false;
  }

  @Override
  public List<StreamStateHandle> duplicate(
      List<StreamStateHandle> handles, CheckpointedStateScope scope) throws IOException {
    return memory.duplicate(handles, scope);
  }

  private final class Stream extends CheckpointStateOutputStream {

    private final CheckpointStateOutputStream to;

    Stream(CheckpointStateOutputStream to) {
      this.to = to;
    }

    private void interrupt() throws IOException {
      if (taken && writes++ == before) {
        try {
          interruption.happen();
        } catch (Exception e) {
          throw new IOException(e);
        }
      }
    }

    @Override
    public void write(int value) throws IOException {
      interrupt();
      to.write(value);
    }

    @Override
    public void write(byte[] bytes, int from, int length) throws IOException {
      interrupt();
      to.write(bytes, from, length);
    }

    @Override
    public @Nullable StreamStateHandle closeAndGetHandle() throws IOException {
      return to.closeAndGetHandle();
    }

    @Override
    public long getPos() throws IOException {
      return to.getPos();
    }

    @Override
    public void flush() throws IOException {
      to.flush();
    }

    @Override
    public void sync() throws IOException {
      to.sync();
    }

    @Override
    public void close() throws IOException {
      to.close();
    }
  }
}

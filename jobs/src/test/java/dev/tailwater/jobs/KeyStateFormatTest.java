package dev.tailwater.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tailwater.kernel.Identity;
import dev.tailwater.kernel.StateLayout;
import java.io.IOException;
import java.util.List;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.junit.jupiter.api.Test;

/** What becomes of state that was written in a format before. */
class KeyStateFormatTest {

  private static final List<StateLayout> LAYOUTS =
      List.of(TestPlans.layout(Identity.EVENT, 5_000, false));

  @Test
  void theFormatsBeforeAreReadAndMigrated() throws IOException {
    var before = snapshot(1);
    var now = new KeyState.Serializer(LAYOUTS).snapshotConfiguration();
    TypeSerializer<KeyState> reader = before.restoreSerializer();
    KeyState written = new KeyState(LAYOUTS, 0);
    written.clock = 42;
    written.earliest = 7;
    written.oldestUnknown = 8;
    written.newestKnown = 9;

    assertThat(now.resolveSchemaCompatibility(before).isCompatibleAfterMigration()).isTrue();
    assertThat(now.resolveSchemaCompatibility(snapshot(2)).isCompatibleAfterMigration()).isTrue();
    assertThat(now.resolveSchemaCompatibility(snapshot(3)).isCompatibleAsIs()).isTrue();
    KeyState read = readBack(reader, written);
    assertThat(read.clock).isEqualTo(42);
    assertThat(read.earliest).isEqualTo(Long.MIN_VALUE);
    assertThat(readBack(snapshot(2).restoreSerializer(), written).earliest).isEqualTo(7);
    assertThat(readBack(snapshot(2).restoreSerializer(), written).oldestUnknown)
        .isEqualTo(Long.MAX_VALUE);
    assertThat(readBack(snapshot(3).restoreSerializer(), written).oldestUnknown).isEqualTo(8);
    assertThat(readBack(snapshot(3).restoreSerializer(), written).newestKnown).isEqualTo(9);
  }

  private static KeyState readBack(TypeSerializer<KeyState> format, KeyState state)
      throws IOException {
    var out = new DataOutputSerializer(64);
    format.serialize(state, out);
    var in = new DataInputDeserializer(out.getCopyOfBuffer());
    KeyState read = format.deserialize(in);
    assertThat(in.available()).isZero();
    return read;
  }

  private static KeyState.KeyStateSnapshot snapshot(int version) throws IOException {
    var out = new DataOutputSerializer(64);
    new KeyState.KeyStateSnapshot(LAYOUTS).writeSnapshot(out);
    var snapshot = new KeyState.KeyStateSnapshot();
    snapshot.readSnapshot(
        version,
        new DataInputDeserializer(out.getCopyOfBuffer()),
        KeyStateFormatTest.class.getClassLoader());
    return snapshot;
  }
}

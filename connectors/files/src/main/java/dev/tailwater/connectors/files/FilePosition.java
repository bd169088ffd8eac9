package dev.tailwater.connectors.files;

import java.io.IOException;
import org.apache.flink.api.connector.source.SourceSplit;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;

/**
 * How far a file has been read: the one split of its source, for a file is one ordered partition.
 *
 * @param recordsRead records already emitted; reading goes on behind them
 */
record FilePosition(String path, long recordsRead) implements SourceSplit {

  @Override
  public String splitId() {
    return path;
  }

  /** Writes positions into checkpoints. */
  static final class Serializer implements SimpleVersionedSerializer<FilePosition> {

    private static final int VERSION = 1;

    @Override
    public int getVersion() {
      return VERSION;
    }

    @Override
    public byte[] serialize(FilePosition position) throws IOException {
      DataOutputSerializer out = new DataOutputSerializer(64);
      out.writeUTF(position.path());
      out.writeLong(position.recordsRead());
      return out.getCopyOfBuffer();
    }

    @Override
    public FilePosition deserialize(int version, byte[] serialized) throws IOException {
      if (version != VERSION) {
        throw new IOException("file positions of version " + version + " are not known here");
      }
      DataInputDeserializer in = new DataInputDeserializer(serialized);
      return new FilePosition(in.readUTF(), in.readLong());
    }
  }
}

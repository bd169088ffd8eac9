package dev.tailwater.connectors.iceberg;

import org.apache.iceberg.avro.AvroSchemaUtil;
import org.apache.iceberg.types.Types;

/**
 * Iceberg's Avro classes, loaded before a task needs them. They look for further types with the
 * class loader of the thread that is the first to use them. Were that a task's, which is closed
 * when its job is cancelled or its TaskManager stops, they would fail for ever after: no job in
 * this JVM could write to a lake any more, and each that tries would end its TaskManager.
 */
final class AvroClasses {

  static {
    Thread thread = Thread.currentThread();
    ClassLoader before = thread.getContextClassLoader();
    thread.setContextClassLoader(AvroClasses.class.getClassLoader());
    try {
      var unused = AvroSchemaUtil.convert(Types.StringType.get());
    } finally {
      thread.setContextClassLoader(before);
    }
  }

  private AvroClasses() {}

  /** Without effect after the first call. */
  static void load() {}
}

package dev.tailwater.connectors.log;

import org.apache.flink.api.common.serialization.SerializerConfig;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.jspecify.annotations.Nullable;

/**
 * The type of elements that have a serializer of their own: it tells Flink to use that one and
 * never to look inside.
 */
public final class SerializedTypeInfo<T> extends TypeInformation<T> {

  private final Class<T> typeClass;
  private final TypeSerializer<T> serializer;

  public SerializedTypeInfo(Class<T> typeClass, TypeSerializer<T> serializer) {
    this.typeClass = typeClass;
    this.serializer = serializer;
  }

  @Override
  public TypeSerializer<T> createSerializer(SerializerConfig config) {
    return serializer.duplicate();
  }

  @Override
  public Class<T> getTypeClass() {
    return typeClass;
  }

  @Override
  public boolean isBasicType() {
    return false;
  }

  @Override
  public boolean isTupleType() {
    return false;
  }

  @Override
  public boolean isKeyType() {
    return false;
  }

  @Override
  public int getArity() {
    return 1;
  }

  @Override
  public int getTotalFields() {
    return 1;
  }

  @Override
  public boolean canEqual(@Nullable Object other) {
    return other instanceof SerializedTypeInfo;
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof SerializedTypeInfo<?> that
        && typeClass.equals(that.typeClass)
        && serializer.equals(that.serializer);
  }

  @Override
  public int hashCode() {
    return 31 * typeClass.hashCode() + serializer.hashCode();
  }

  @Override
  public String toString() {
    return typeClass.getSimpleName();
  }
}

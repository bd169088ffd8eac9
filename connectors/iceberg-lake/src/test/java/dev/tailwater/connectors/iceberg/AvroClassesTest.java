package dev.tailwater.connectors.iceberg;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.File;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Enumeration;
import java.util.List;
import org.junit.jupiter.api.Test;

class AvroClassesTest {

  private static final String FIRST_USED_BY_A_WRITER = "org.apache.iceberg.avro.TypeToSchema";

  @Test
  void writersDoNotDependOnTheClassLoaderOfTheFirstTaskThatUsesThem() throws Exception {
    try (URLClassLoader jvm = likeANewJvm()) {
      inATaskThatEnds(() -> Class.forName(AvroClasses.class.getName(), true, jvm));

      assertThat(inATaskThatEnds(() -> Class.forName(FIRST_USED_BY_A_WRITER, true, jvm)))
          .isNotNull();
    }
  }

  /** Why it matters: if this does not fail any more, the class is not needed. */
  @Test
  void icebergAloneDoes() throws Exception {
    try (URLClassLoader jvm = likeANewJvm()) {
      assertThatThrownBy(
              () -> inATaskThatEnds(() -> Class.forName(FIRST_USED_BY_A_WRITER, true, jvm)))
          .isInstanceOf(ExceptionInInitializerError.class);
      assertThatThrownBy(() -> Class.forName(FIRST_USED_BY_A_WRITER, true, jvm))
          .isInstanceOf(NoClassDefFoundError.class);
    }
  }

  private interface Use {
    Class<?> use() throws Exception;
  }

  private static Class<?> inATaskThatEnds(Use use) throws Exception {
    Thread thread = Thread.currentThread();
    ClassLoader before = thread.getContextClassLoader();
    thread.setContextClassLoader(new ClosedLoader());
    try {
      return use.use();
    } finally {
      thread.setContextClassLoader(before);
    }
  }

  /** The classes of this JVM, none of them loaded. */
  private static URLClassLoader likeANewJvm() throws Exception {
    List<URL> places = new ArrayList<>();
    for (String place : System.getProperty("java.class.path").split(File.pathSeparator)) {
      places.add(Path.of(place).toUri().toURL());
    }
    return new URLClassLoader(places.toArray(URL[]::new), ClassLoader.getPlatformClassLoader());
  }

  /** As that of a Flink task whose job has ended. */
  private static final class ClosedLoader extends ClassLoader {

    @Override
    protected Class<?> loadClass(String name, boolean resolve) {
      throw new IllegalStateException("closed");
    }

    @Override
    public Enumeration<URL> getResources(String name) {
      throw new IllegalStateException("closed");
    }
  }
}

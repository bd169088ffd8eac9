package dev.tailwater.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.File;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Calcite costs a second to load: only a project with expressions pays for it. */
class WithoutCalciteTest {

  private static final String STREAM =
      """
      kind: stream
      name: payments
      schema: payment.avsc
      event_time: at
      %s
      ---
      {kind: entity, name: card, key: {card_id: string}}
      ---
      kind: feature-view
      name: spend
      entity: card
      from: payments
      features: {refunds: {count: "*", over: 1d, where: refund}, spent: {sum: amount, over: 1d}}
      ---
      {kind: model, name: fraud, ask: payments, vector: [amount, spend.*], fallback: 0.5}
      """;

  @Test
  void aProjectOfPlainColumnsNeedsNone(@TempDir Path folder) throws Exception {
    Files.writeString(
        folder.resolve("payment.avsc"),
        """
        {"type": "record", "name": "Payment", "fields": [
          {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
          {"name": "card_id", "type": "string"},
          {"name": "amount", "type": "double"},
          {"name": "refund", "type": "boolean"}]}
        """);
    List<URL> classPath = new ArrayList<>();
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
      if (!entry.contains("calcite")) {
        classPath.add(Path.of(entry).toUri().toURL());
      }
    }
    try (URLClassLoader loader =
        new URLClassLoader(classPath.toArray(URL[]::new), ClassLoader.getPlatformClassLoader())) {
      Files.writeString(folder.resolve("project.yaml"), STREAM.formatted(""));
      assertThat(compile(loader, folder)).contains("spend");

      Files.writeString(
          folder.resolve("project.yaml"), STREAM.formatted("derive: {double: amount * 2}"));
      assertThatThrownBy(() -> compile(loader, folder))
          .as("the class loader has no Calcite")
          .hasRootCauseInstanceOf(ClassNotFoundException.class);
    }
  }

  private static String compile(ClassLoader loader, Path folder) throws Exception {
    Object project =
        loader
            .loadClass("dev.tailwater.definitions.ProjectLoader")
            .getMethod("load", Path.class)
            .invoke(null, folder);
    return String.valueOf(
        loader
            .loadClass("dev.tailwater.plan.PlanCompiler")
            .getMethod("compile", loader.loadClass("dev.tailwater.definitions.Project"))
            .invoke(null, project));
  }
}

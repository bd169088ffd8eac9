package dev.tailwater.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunningStackTest {

  private final Path directory;

  RunningStackTest(@TempDir Path directory) {
    this.directory = directory;
  }

  @Test
  void aStackOfALivingProcessIsFound() throws Exception {
    TailwaterHome home = new TailwaterHome(directory);
    RunningStack stack = stack(RunningStack.startOf(ProcessHandle.current().pid()).orElseThrow());

    stack.write(home);

    assertThat(RunningStack.find(home)).contains(stack);
  }

  @Test
  void aNoteOfAnEarlierProcessWithTheSamePidIsRemoved() throws Exception {
    TailwaterHome home = new TailwaterHome(directory);
    stack(1).write(home);

    assertThat(RunningStack.find(home)).isEmpty();
    assertThat(home.runFile()).doesNotExist();
  }

  @Test
  void aBrokenNoteIsRemoved() throws Exception {
    TailwaterHome home = new TailwaterHome(directory);
    Files.writeString(home.runFile(), "{\"pid\": 1");

    assertThat(RunningStack.find(home)).isEmpty();
    assertThat(home.runFile()).doesNotExist();
  }

  private RunningStack stack(long startedAt) {
    return new RunningStack(
        ProcessHandle.current().pid(),
        startedAt,
        directory,
        "127.0.0.1:9092",
        "redis://127.0.0.1:6379",
        "http://127.0.0.1:8081",
        directory.resolve("lake"),
        directory.resolve("models"));
  }
}

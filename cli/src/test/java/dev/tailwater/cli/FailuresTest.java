package dev.tailwater.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.NoSuchFileException;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Test;

class FailuresTest {

  @Test
  void theMessageWrittenForAReaderWinsOverItsWrapping() {
    Exception written = new CommandFailedException("port 8081 is taken; choose another");

    assertThat(
            Failures.describe(new ExecutionException(new RuntimeException("job failed", written))))
        .isEqualTo("port 8081 is taken; choose another");
  }

  @Test
  void otherwiseItIsTheInnermostMessage() {
    assertThat(
            Failures.describe(
                new RuntimeException("job failed", new RuntimeException("disk full", null))))
        .isEqualTo("disk full");
  }

  @Test
  void aMissingFileSaysSo() {
    assertThat(Failures.describe(new NoSuchFileException("spine.csv")))
        .isEqualTo("spine.csv: there is no such file or folder; check the path");
  }

  @Test
  void aFailureWithoutAMessageIsNamed() {
    assertThat(Failures.describe(new ExecutionException(new InterruptedException())))
        .isEqualTo("InterruptedException without a message");
  }
}

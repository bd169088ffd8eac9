package dev.tailwater.connectors.files;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ReadAheadTest {

  private static byte[] bytes(int length) {
    byte[] bytes = new byte[length];
    new Random(length).nextBytes(bytes);
    return bytes;
  }

  /** Gives a random number of its bytes at a time, then fails, or ends if there is no failure. */
  private static final class Source extends InputStream {
    private final InputStream bytes;
    private final boolean fails;
    private final Random random = new Random(7);
    private boolean isClosed;

    Source(byte[] bytes, boolean fails) {
      this.bytes = new ByteArrayInputStream(bytes);
      this.fails = fails;
    }

    @Override
    public int read() {
      throw new AssertionError("byte by byte");
    }

    @Override
    public int read(byte[] into, int from, int length) throws IOException {
      int read = bytes.read(into, from, 1 + random.nextInt(length));
      if (read < 0 && fails) {
        throw new IOException("the file is damaged");
      }
      return read;
    }

    @Override
    public void close() {
      isClosed = true;
    }
  }

  @ParameterizedTest
  @ValueSource(
      ints = {
        0,
        1,
        1_000,
        ReadAhead.BLOCK_BYTES - 1,
        ReadAhead.BLOCK_BYTES,
        ReadAhead.BLOCK_BYTES + 1,
        2 * ReadAhead.BLOCK_BYTES,
        1_000_000
      })
  void givesTheBytesOfTheStream(int length) throws IOException {
    byte[] expected = bytes(length);
    Source source = new Source(expected, false);
    try (ReadAhead ahead = new ReadAhead(source)) {
      assertThat(ahead.readAllBytes()).isEqualTo(expected);
      assertThat(ahead.read()).isEqualTo(-1);
      assertThat(ahead.read()).isEqualTo(-1);
    }
    assertThat(source.isClosed).isTrue();
  }

  @Test
  void givesSingleBytesAsNumbersFromZero() throws IOException {
    try (ReadAhead ahead = new ReadAhead(new Source(new byte[] {-1, 0, 1}, false))) {
      assertThat(new int[] {ahead.read(), ahead.read(), ahead.read(), ahead.read()})
          .containsExactly(255, 0, 1, -1);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1_000, ReadAhead.BLOCK_BYTES, 1_000_000})
  void givesEveryByteInFrontOfAFailure(int length) throws IOException {
    byte[] expected = bytes(length);
    Source source = new Source(expected, true);
    try (ReadAhead ahead = new ReadAhead(source)) {
      ByteArrayOutputStream read = new ByteArrayOutputStream();
      assertThatThrownBy(() -> ahead.transferTo(read)).hasMessage("the file is damaged");
      assertThat(read.toByteArray()).isEqualTo(expected);
      assertThatThrownBy(ahead::read).hasMessage("the file is damaged");
    }
    assertThat(source.isClosed).isTrue();
  }

  @Test
  void canBeClosedBeforeTheEnd() throws IOException {
    Source source = new Source(bytes(10 * ReadAhead.BLOCK_BYTES), false);
    ReadAhead ahead = new ReadAhead(source);
    assertThat(ahead.read()).isNotNegative();
    ahead.close();
    ahead.close();
    assertThat(source.isClosed).isTrue();
  }

  @Test
  void aTaskThatIsCancelledDoesNotWaitForTheFile() throws Exception {
    CountDownLatch released = new CountDownLatch(1);
    InputStream slow =
        new InputStream() {
          @Override
          public int read() throws IOException {
            try {
              released.await();
              return -1;
            } catch (InterruptedException e) {
              throw new IOException(e);
            }
          }
        };
    try (ReadAhead ahead = new ReadAhead(slow)) {
      Thread.currentThread().interrupt();
      assertThatThrownBy(ahead::read).isInstanceOf(InterruptedIOException.class);
      assertThat(Thread.interrupted()).isTrue();
      released.countDown();
    }
  }
}

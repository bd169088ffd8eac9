package dev.tailwater.schemas;

/** A record that does not keep its contract. The message is the dead letter's reason. */
public final class UndecodableRecordException extends Exception {

  public UndecodableRecordException(String reason) {
    super(reason, null, false, false); // Bad records can be many: no stack trace, it says nothing.
  }
}

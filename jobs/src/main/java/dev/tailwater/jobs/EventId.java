package dev.tailwater.jobs;

import dev.tailwater.plan.StreamPlan;
import java.io.Serializable;

/**
 * How an event of a stream is called.
 *
 * @param topic the stream's topic
 * @param position of the event id in the stream's carried row, or -1 if it is not there
 */
record EventId(String topic, int position) implements Serializable {

  static EventId of(StreamPlan stream) {
    int position = -1;
    for (int i = 0; i < stream.carriedFrom().length && stream.eventId() >= 0; i++) {
      if (stream.carriedFrom()[i] == stream.eventId()) {
        position = i;
      }
    }
    return new EventId(stream.topic(), position);
  }

  /** The event's own id, or its place in the log if the stream has none. */
  String of(Envelope event) {
    Object id = position < 0 ? null : event.values[position];
    return id == null ? topic + "/" + event.partition + "/" + event.offset : id.toString();
  }
}

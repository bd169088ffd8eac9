package dev.tailwater.jobs;

/** Whether an event says something about an entity: none of the key's columns is NULL. */
final class EntityKey {

  private EntityKey() {}

  /**
   * Whether an event has a key.
   *
   * @param positions of the key columns in the carried row; none if the stream is not for the
   *     entity
   */
  static boolean isPresent(Envelope event, int[] positions) {
    for (int position : positions) {
      if (event.values[position] == null) {
        return false;
      }
    }
    return positions.length > 0;
  }
}

package dev.tailwater.jobs;

import java.io.Serializable;

/**
 * A state that a stream's facts are told to.
 *
 * @param input position in the entity's inputs
 * @param origin the stream's position among those that are told to the state
 * @param asKnown whether a fact counts only from its append time on
 */
record Told(int input, int origin, boolean asKnown) implements Serializable {}

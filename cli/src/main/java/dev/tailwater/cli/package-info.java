/** The {@code tailwater} command: what a person types, and the local stack it works on. */
@NullMarked
package dev.tailwater.cli;

import org.jspecify.annotations.NullMarked;

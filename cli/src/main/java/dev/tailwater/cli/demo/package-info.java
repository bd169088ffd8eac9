/** The demonstration: a seeded world of card payments, and the whole loop on it. */
@NullMarked
package dev.tailwater.cli.demo;

import org.jspecify.annotations.NullMarked;

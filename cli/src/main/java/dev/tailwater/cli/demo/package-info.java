/** The simulated world of card payments, and the two ends of the log it runs on. */
@NullMarked
package dev.tailwater.cli.demo;

import org.jspecify.annotations.NullMarked;

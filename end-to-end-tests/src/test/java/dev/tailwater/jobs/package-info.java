/** Tests of the whole that look at what the graph answers before it is scored or stored. */
@NullMarked
package dev.tailwater.jobs;

import org.jspecify.annotations.NullMarked;

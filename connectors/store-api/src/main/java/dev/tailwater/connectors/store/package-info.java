/** What a store promises, and the rows that are written to it. */
@NullMarked
package dev.tailwater.connectors.store;

import org.jspecify.annotations.NullMarked;

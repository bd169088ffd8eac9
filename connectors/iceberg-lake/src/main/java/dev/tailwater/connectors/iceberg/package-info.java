/**
 * The lake on Iceberg: every feature row and every prediction, append-only and exactly once. The
 * tables stand in docs/tables.md.
 */
@NullMarked
package dev.tailwater.connectors.iceberg;

import org.jspecify.annotations.NullMarked;

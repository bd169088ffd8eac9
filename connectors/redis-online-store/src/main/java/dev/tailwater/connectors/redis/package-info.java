/**
 * The online store on Redis: the newest row of every entity of every feature view, one hash each.
 * The layout stands in docs/online-store.md.
 */
@NullMarked
package dev.tailwater.connectors.redis;

import org.jspecify.annotations.NullMarked;

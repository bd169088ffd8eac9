/** What a source of the log promises: records with their place in it, decoded or with a reason. */
@NullMarked
package dev.tailwater.connectors.log;

import org.jspecify.annotations.NullMarked;

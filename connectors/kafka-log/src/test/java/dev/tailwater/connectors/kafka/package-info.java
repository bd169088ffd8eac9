@NullMarked
package dev.tailwater.connectors.kafka;

import org.jspecify.annotations.NullMarked;

/**
 * The log on Kafka: streams read as records with their place, records written, dead letters,
 * topics.
 */
@NullMarked
package dev.tailwater.connectors.kafka;

import org.jspecify.annotations.NullMarked;

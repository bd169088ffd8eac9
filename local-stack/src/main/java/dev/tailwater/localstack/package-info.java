/**
 * The servers of a local stack, real ones: a Kafka broker and a Redis server, each a child process
 * on the loopback interface that cannot outlive the JVM that started it. For Linux and macOS.
 */
@NullMarked
package dev.tailwater.localstack;

import org.jspecify.annotations.NullMarked;

/**
 * The tests that stand beside a project's definitions, run on the real graph by Flink's test
 * harness.
 */
@NullMarked
package dev.tailwater.checks;

import org.jspecify.annotations.NullMarked;

/**
 * The Flink jobs. {@link dev.tailwater.jobs.FeatureGraph} is the one graph that live, bounded,
 * training and test runs share; a job is a choice of its sources and sinks.
 */
@NullMarked
package dev.tailwater.jobs;

import org.jspecify.annotations.NullMarked;

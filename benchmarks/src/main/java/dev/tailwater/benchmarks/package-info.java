/** Benchmarks: what the parts cost, and what the whole costs beside its peers. */
@NullMarked
package dev.tailwater.benchmarks;

import org.jspecify.annotations.NullMarked;

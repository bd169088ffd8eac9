/** The compiled plan: what every job needs to know, and nothing else. */
@NullMarked
package dev.tailwater.plan;

import org.jspecify.annotations.NullMarked;

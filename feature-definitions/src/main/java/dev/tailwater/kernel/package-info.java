/** The arithmetic of features: exact sliding windows over one entity's facts, in plain Java. */
@NullMarked
package dev.tailwater.kernel;

import org.jspecify.annotations.NullMarked;

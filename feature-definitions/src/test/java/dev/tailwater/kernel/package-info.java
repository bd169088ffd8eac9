@NullMarked
package dev.tailwater.kernel;

import org.jspecify.annotations.NullMarked;

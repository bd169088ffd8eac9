@NullMarked
package dev.tailwater.training;

import org.jspecify.annotations.NullMarked;

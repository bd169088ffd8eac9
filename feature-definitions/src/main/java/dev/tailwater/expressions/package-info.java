/** Typed SQL row expressions. */
@NullMarked
package dev.tailwater.expressions;

import org.jspecify.annotations.NullMarked;

@NullMarked
package dev.tailwater.schemas;

import org.jspecify.annotations.NullMarked;

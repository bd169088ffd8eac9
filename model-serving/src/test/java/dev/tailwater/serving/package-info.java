@NullMarked
package dev.tailwater.serving;

import org.jspecify.annotations.NullMarked;

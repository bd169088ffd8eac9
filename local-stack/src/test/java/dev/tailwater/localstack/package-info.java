@NullMarked
package dev.tailwater.localstack;

import org.jspecify.annotations.NullMarked;

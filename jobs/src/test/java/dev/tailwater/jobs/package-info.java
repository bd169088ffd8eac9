@NullMarked
package dev.tailwater.jobs;

import org.jspecify.annotations.NullMarked;

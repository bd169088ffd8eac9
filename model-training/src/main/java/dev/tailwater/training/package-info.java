/** From rows with labels to a model file that serving can load, and to figures of its quality. */
@NullMarked
package dev.tailwater.training;

import org.jspecify.annotations.NullMarked;

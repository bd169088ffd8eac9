/** The definitions a user writes: reading, validating and versioning them. */
@NullMarked
package dev.tailwater.definitions;

import org.jspecify.annotations.NullMarked;

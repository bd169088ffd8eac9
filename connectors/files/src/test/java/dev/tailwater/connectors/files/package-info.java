@NullMarked
package dev.tailwater.connectors.files;

import org.jspecify.annotations.NullMarked;

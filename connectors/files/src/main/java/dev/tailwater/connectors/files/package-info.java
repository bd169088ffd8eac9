/** Events, spines and training sets as files: bounded sources of records, and atomic outputs. */
@NullMarked
package dev.tailwater.connectors.files;

import org.jspecify.annotations.NullMarked;

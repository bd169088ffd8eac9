/** What is on the log: column types, schemas, and the decoding and encoding of records. */
@NullMarked
package dev.tailwater.schemas;

import org.jspecify.annotations.NullMarked;

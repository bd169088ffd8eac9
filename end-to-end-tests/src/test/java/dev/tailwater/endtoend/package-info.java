/** Tests of the whole: real servers, real data, and the rules between the modules. */
@NullMarked
package dev.tailwater.endtoend;

import org.jspecify.annotations.NullMarked;

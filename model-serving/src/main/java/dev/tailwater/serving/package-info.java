/** Scoring: model files, ONNX sessions and the micro-batcher. Plain Java, no stream engine. */
@NullMarked
package dev.tailwater.serving;

import org.jspecify.annotations.NullMarked;

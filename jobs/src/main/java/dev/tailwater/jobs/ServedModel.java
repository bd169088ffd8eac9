package dev.tailwater.jobs;

import java.io.Serializable;

/**
 * The version of a model that a job serves.
 *
 * @param model position in the plan
 * @param version as in the predictions, for example {@code 3}; empty if none is registered
 * @param onnx the model file; empty if none is registered: then every outcome is the fallback
 */
public record ServedModel(int model, String version, byte[] onnx) implements Serializable {

  /** Nothing is registered for this model yet. */
  public static ServedModel none(int model) {
    return new ServedModel(model, "", new byte[0]);
  }

  boolean isPresent() {
    return onnx.length > 0;
  }
}

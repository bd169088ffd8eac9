package dev.tailwater.serving;

/**
 * One registered version of a model.
 *
 * @param model the model's name
 * @param version 1, 2, … in the order of registration
 * @param sha256 of the ONNX file, as lower-case hexadecimal
 * @param sizeBytes of the ONNX file
 */
public record ModelVersion(
    String model, int version, String sha256, long sizeBytes, ModelMetadata metadata) {

  /** As in predictions and messages: {@code fraud@3}. */
  public String reference() {
    return model + "@" + version;
  }
}

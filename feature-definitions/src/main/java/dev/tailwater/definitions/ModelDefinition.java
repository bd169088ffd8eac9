package dev.tailwater.definitions;

import dev.tailwater.schemas.PredictionFormat;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * One model: the events that ask it, what it is given, where its predictions go.
 *
 * @param ask the stream whose every accepted event asks for a prediction
 * @param answer when its questions are answered
 * @param about the asking stream's column that holds the id of the event that a question is about;
 *     empty for the asking event itself. The same for all models that ask the stream
 * @param keyColumns for each entity the vector reads features of: the asking stream's columns that
 *     hold its key, in the order of the key
 * @param vector the inputs, in order
 * @param deadline from the question's append time to its outcome
 * @param fallback the score when there is none in time, in [0, 1]
 * @param to the topic of the predictions
 * @param format how they are written
 */
public record ModelDefinition(
    String name,
    String ask,
    AnswerMode answer,
    Optional<String> about,
    Map<String, List<String>> keyColumns,
    List<Element> vector,
    Duration deadline,
    double fallback,
    String to,
    PredictionFormat format,
    Optional<Labels> labels) {

  public ModelDefinition {
    keyColumns = Map.copyOf(keyColumns);
    vector = List.copyOf(vector);
  }

  /**
   * One input.
   *
   * @param name a column, a feature as {@code view.feature}, or the name that was given to an
   *     expression
   * @param expression reads columns of the asking stream and features as {@code view.feature}
   * @param element which element of a feature that is a list, from 1; 0 for the value itself
   */
  public record Element(String name, Expression expression, int element) {}

  /**
   * Where the truth arrives.
   *
   * @param stream the stream that brings it
   * @param on its column that holds the event id of the question
   * @param value its column that holds the label; TRUE or non-zero is positive
   * @param within how long after the question a label still counts
   */
  public record Labels(String stream, String on, String value, Duration within) {}
}

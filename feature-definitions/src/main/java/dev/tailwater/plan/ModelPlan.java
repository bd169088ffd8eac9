package dev.tailwater.plan;

import dev.tailwater.definitions.AnswerMode;
import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.PredictionFormat;
import java.io.Serializable;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One model: who asks it, what it is given, and where its predictions go.
 *
 * @param ask position of the stream whose every accepted event asks for a prediction
 * @param answer when its questions are answered; the same for all models that ask the stream
 * @param about position in the carried row of the asking stream of the id of the event that a
 *     question is about, or -1 if it is the asking event itself; the same for all models that ask
 *     the stream
 * @param views positions of the views the vector reads, ascending
 * @param vector the model's inputs, in order
 * @param deadlineMs from the question's append time to its outcome; bounded runs ignore it
 * @param fallback the score of a FALLBACK outcome
 * @param to the topic of the predictions
 * @param format how the predictions are written
 * @param version changes when the meaning or the order of the inputs does
 */
public record ModelPlan(
    String name,
    String version,
    int ask,
    AnswerMode answer,
    int about,
    int[] views,
    List<Element> vector,
    long deadlineMs,
    double fallback,
    String to,
    PredictionFormat format,
    Optional<Labels> labels)
    implements Serializable {

  public ModelPlan {
    vector = List.copyOf(vector);
  }

  /** An Optional is not serializable: this is what is written in the model's place. */
  private Object writeReplace() {
    return new Stored(
        name,
        version,
        ask,
        answer,
        about,
        views,
        vector,
        deadlineMs,
        fallback,
        to,
        format,
        labels.orElse(null));
  }

  private record Stored(
      String name,
      String version,
      int ask,
      AnswerMode answer,
      int about,
      int[] views,
      List<Element> vector,
      long deadlineMs,
      double fallback,
      String to,
      PredictionFormat format,
      @Nullable Labels labels)
      implements Serializable {

    private Object readResolve() {
      return new ModelPlan(
          name,
          version,
          ask,
          answer,
          about,
          views,
          vector,
          deadlineMs,
          fallback,
          to,
          format,
          Optional.ofNullable(labels));
    }
  }

  /**
   * One input of the model. A value enters it as a double: BOOLEAN as 0 and 1, NULL as NaN.
   *
   * @param name as in the training set and in the prediction's vector
   * @param source what it reads
   */
  public record Element(String name, Source source) implements Serializable {}

  /** Where an element's value comes from. */
  public sealed interface Source extends Serializable {
    /** A position in the carried row of the asking stream. */
    record CarriedColumn(int position) implements Source {}

    /** A feature: the view's position in the plan, and the feature's position in the view. */
    record Feature(int view, int feature) implements Source {}

    /**
     * One element of a feature that is a list of numbers; NULL if the list is shorter.
     *
     * @param element from 0
     */
    record ListElement(Feature list, int element) implements Source {}

    /**
     * An expression over the inputs, which are carried columns and features. In its text feature
     * {@code view.feature} is written as the user wrote it; {@code inputNames} and {@code inputs}
     * bind the names to values.
     */
    record Expression(String text, List<Column> inputColumns, List<Source> inputs)
        implements Source {
      public Expression {
        inputColumns = List.copyOf(inputColumns);
        inputs = List.copyOf(inputs);
      }
    }
  }

  /**
   * Where the truth arrives.
   *
   * @param stream position in the plan
   * @param on position in the label stream's carried row of the column that holds the question's
   *     event id
   * @param value position in the label stream's carried row of the label; TRUE or non-zero is
   *     positive
   * @param withinMs a label later than this after the question's event time is ignored; a question
   *     without one is left out of training
   */
  public record Labels(int stream, int on, int value, long withinMs) implements Serializable {}
}

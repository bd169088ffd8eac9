package dev.tailwater.definitions;

import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/** Names that a project coins end up in topics, Redis keys and tables: they are plain. */
final class Names {

  private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9_]{0,62}");
  private static final Pattern TOPIC = Pattern.compile("[A-Za-z0-9._-]{1,249}");

  private static final Pattern COLUMN = Pattern.compile("[A-Za-z_][A-Za-z0-9_]*");

  /** Columns that stored rows have beside keys and features. */
  private static final Set<String> STORED =
      Set.of(
          "valid_from",
          "valid_until",
          "revision",
          "definition_version",
          "generation",
          "cause_topic",
          "cause_partition",
          "cause_offset",
          "event_time");

  /** What a question in a test says beside the entity's key and features: when, about what. */
  static final String AT = "at";

  static final String ABOUT = "about";

  private Names() {}

  /** Names that every stored row or training set uses itself. */
  static Set<String> ofStoredRows() {
    return STORED;
  }

  /** Names that a question in a test uses itself. */
  static Set<String> ofQuestions() {
    return Set.of(AT, ABOUT);
  }

  /** Whether the last part of a key can name a key column; reported if not. */
  static boolean isKeyColumn(Text at, String name, Problems problems) {
    if (!COLUMN.matcher(name).matches()) {
      problems.add(at.withValue(name), "is not a column name", "write letters, digits and _");
      return false;
    }
    if (STORED.contains(name)) {
      problems.add(at.withValue(name), "is a column of every stored row", "choose another name");
      return false;
    }
    return true;
  }

  /** The name of a document; reported if it is missing or not plain. */
  static Optional<Text> ofDocument(Section document, Problems problems) {
    return document
        .required("name", "give it a name of lower-case letters, digits and _")
        .filter(name -> isName(name, problems));
  }

  /** Whether a text is a plain name; reported if not. */
  static boolean isName(Text text, Problems problems) {
    if (NAME.matcher(text.value()).matches()) {
      return true;
    }
    problems.add(
        text,
        "is not a name",
        "start with a letter a-z and go on with a-z, 0-9 and _, at most 63 in all");
    return false;
  }

  /** Whether a text is the name of a topic; reported if not. */
  static boolean isTopic(Text text, Problems problems) {
    if (TOPIC.matcher(text.value()).matches()
        && !text.value().equals(".")
        && !text.value().equals("..")) {
      return true;
    }
    problems.add(text, "is not a topic", "write at most 249 letters, digits, '.', '_' and '-'");
    return false;
  }

  /** A plain name for a project from the name of its folder. */
  static String ofProject(String folder) {
    String name =
        folder.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9_]+", "_").replaceAll("^_+|_+$", "");
    if (name.isEmpty() || !Character.isLetter(name.charAt(0))) {
      name = "project_" + name;
    }
    return name.length() > 63 ? name.substring(0, 63) : name;
  }
}

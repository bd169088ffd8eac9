package dev.tailwater.definitions;

import java.util.Optional;
import java.util.regex.Pattern;

/** Names that a project coins end up in topics, Redis keys and tables: they are plain. */
final class Names {

  private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9_]{0,62}");
  private static final Pattern TOPIC = Pattern.compile("[A-Za-z0-9._-]{1,249}");

  private Names() {}

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
        folder
            .toLowerCase(java.util.Locale.ROOT)
            .replaceAll("[^a-z0-9_]+", "_")
            .replaceAll("^_+|_+$", "");
    if (name.isEmpty() || !Character.isLetter(name.charAt(0))) {
      name = "project_" + name;
    }
    return name.length() > 63 ? name.substring(0, 63) : name;
  }
}

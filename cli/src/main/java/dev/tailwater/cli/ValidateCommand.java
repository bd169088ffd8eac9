package dev.tailwater.cli;

import dev.tailwater.definitions.InvalidProjectException;
import dev.tailwater.definitions.Problem;
import dev.tailwater.plan.EntityPlan;
import dev.tailwater.plan.Plan;
import dev.tailwater.plan.ViewPlan;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** {@code tailwater validate}: is the project in order, and if not, everything that is wrong. */
final class ValidateCommand {

  private final Console console;

  ValidateCommand(Console console) {
    this.console = console;
  }

  /** Prints what the project consists of, or all its problems. */
  int run(Path directory, boolean json) {
    try {
      LoadedProject project = LoadedProject.load(directory);
      console.print(json ? Json.write(description(project.plan())) : sentence(project.plan()));
      return Main.OK;
    } catch (InvalidProjectException e) {
      if (json) {
        console.print(Json.write(description(e.problems())));
      } else {
        say(directory, e);
      }
      return Main.FAILED;
    }
  }

  /** One line per problem, and how many there are. */
  private void say(Path directory, InvalidProjectException invalid) {
    invalid.problems().forEach(problem -> console.say(problem.toString()));
    int count = invalid.problems().size();
    console.say(
        "%s has %s; correct %s and run tailwater validate %s"
            .formatted(
                directory,
                count == 1 ? "one problem" : count + " problems",
                count == 1 ? "it" : "them",
                directory));
  }

  private static String sentence(Plan plan) {
    return "%s is valid: %s, %s, %s with %s, %s"
        .formatted(
            plan.project(),
            counted(plan.recordedStreams().size(), "stream"),
            counted(entities(plan).size(), "entity", "entities"),
            counted(plan.views().size(), "feature view"),
            counted(
                plan.views().stream().mapToInt(view -> view.features().size()).sum(), "feature"),
            counted(plan.models().size(), "model"));
  }

  /** The entities that views describe; one may have several places in the plan. */
  private static List<String> entities(Plan plan) {
    return plan.entities().stream().map(EntityPlan::entity).distinct().toList();
  }

  private static String counted(int count, String one) {
    return counted(count, one, one + "s");
  }

  private static String counted(int count, String one, String many) {
    return count + " " + (count == 1 ? one : many);
  }

  private static Map<String, Object> description(Plan plan) {
    Map<String, Object> description = new LinkedHashMap<>();
    description.put("valid", true);
    description.put("project", plan.project());
    description.put(
        "streams", plan.recordedStreams().stream().map(stream -> stream.name()).toList());
    description.put("entities", entities(plan));
    Map<String, Object> views = new LinkedHashMap<>();
    for (ViewPlan view : plan.views()) {
      views.put(
          view.name(),
          Map.of(
              "version",
              view.version(),
              "features",
              view.features().stream().map(feature -> feature.name()).toList()));
    }
    description.put("views", views);
    description.put("models", plan.models().stream().map(model -> model.name()).toList());
    return description;
  }

  private static Map<String, Object> description(List<Problem> problems) {
    Map<String, Object> description = new LinkedHashMap<>();
    description.put("valid", false);
    description.put("problems", problems.stream().map(ValidateCommand::description).toList());
    return description;
  }

  private static Map<String, Object> description(Problem problem) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("file", problem.file());
    fields.put("line", problem.line());
    fields.put("key", problem.key());
    fields.put("value", problem.value());
    fields.put("reason", problem.reason());
    fields.put("next_step", problem.nextStep());
    return fields;
  }
}

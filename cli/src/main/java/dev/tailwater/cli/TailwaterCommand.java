package dev.tailwater.cli;

import java.nio.file.Path;
import java.time.Instant;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ScopeType;

/** The grammar of the command line. Each method is one command and hands on to its own class. */
@Command(
    name = "tailwater",
    description = "Fresh features and fresh predictions from one log.",
    synopsisSubcommandLabel = "COMMAND",
    subcommands = HelpCommand.class,
    mixinStandardHelpOptions = true,
    scope = ScopeType.INHERIT,
    version = "tailwater 0.1.0-SNAPSHOT",
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {"0:done", "1:failed; one message says why", "2:wrong usage"})
final class TailwaterCommand {

  private final Console console;
  private final Map<String, String> environment;
  private @Nullable LogFile log;

  @Option(
      names = "--home",
      paramLabel = "DIR",
      scope = ScopeType.INHERIT,
      description = "Where state and logs live; TAILWATER_HOME, else .tailwater.")
  private @Nullable Path home;

  @Option(
      names = "--verbose",
      scope = ScopeType.INHERIT,
      description = "Log more, and show the stack trace of a failure.")
  private boolean verbose;

  TailwaterCommand(Console console, Map<String, String> environment) {
    this.console = console;
    this.environment = environment;
  }

  @Command(name = "sql", description = "Run one Flink SQL statement over the lake, read-only.")
  int sql(
      @Parameters(paramLabel = "STATEMENT", description = "As in \"SHOW DATABASES\".")
          String statement,
      @Option(names = "--write", description = "Allow statements that change something.")
          boolean write,
      @Option(names = "--json", description = "One JSON object a row.") boolean json,
      @Option(
              names = "--limit",
              paramLabel = "N",
              defaultValue = "1000",
              description = "Print at most N rows (default ${DEFAULT-VALUE}).")
          int limit) {
    Session session = begin("sql");
    return new SqlCommand(session.console()).run(statement, Map.of(), write, json, limit);
  }

  @Command(
      name = "completion",
      description = "Print a completion script: source <(./tailwater completion bash)")
  int completion(
      @Parameters(paramLabel = "SHELL", description = "bash or zsh.", defaultValue = "bash")
          Shell shell) {
    CommandLine root = new CommandLine(this);
    if (shell == Shell.zsh) {
      console.print("autoload -U +X compinit && compinit");
      console.print("autoload -U +X bashcompinit && bashcompinit");
    }
    console.print(AutoComplete.bash("tailwater", root));
    return Main.OK;
  }

  /** The shells that can complete our commands, named as a person types them. */
  enum Shell {
    bash,
    zsh
  }

  private Session begin(String command) {
    TailwaterHome chosen = TailwaterHome.choose(home, environment);
    log = LogFile.open(chosen, command, verbose, Instant.now());
    return new Session(console, chosen, environment, verbose);
  }

  /** Shows the one message of a failure, and where its details are. */
  int failed(Exception failure, CommandLine commandLine) {
    CommandSpec command = commandLine.getCommandSpec();
    LoggerFactory.getLogger(TailwaterCommand.class).error("{} failed", command.name(), failure);
    console.say(command.qualifiedName() + ": " + Failures.describe(failure));
    if (verbose) {
      java.io.StringWriter trace = new java.io.StringWriter();
      failure.printStackTrace(new java.io.PrintWriter(trace, true));
      console.say(trace.toString());
    }
    LogFile file = log;
    if (file != null && file.exists()) {
      console.say("Details: " + file.path());
    }
    return Main.FAILED;
  }
}

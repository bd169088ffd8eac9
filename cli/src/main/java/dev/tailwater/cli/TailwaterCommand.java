package dev.tailwater.cli;

import dev.tailwater.definitions.InvalidProjectException;
import dev.tailwater.jobs.SampleJob;
import dev.tailwater.serving.ModelRepository;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.ScopeType;

/** The grammar of the command line. Each method is one command and hands on to its own class. */
@Command(
    name = "tailwater",
    description = "Fresh features and fresh predictions from one log.",
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {HelpCommand.class, TailwaterCommand.Tables.class},
    mixinStandardHelpOptions = true,
    scope = ScopeType.INHERIT,
    version = "tailwater " + TailwaterCommand.VERSION,
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {"0:done", "1:failed; one message says why", "2:wrong usage"})
final class TailwaterCommand {

  /** Of Tailwater itself. */
  static final String VERSION = "0.1.0-SNAPSHOT";

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

  @Command(name = "demo", description = "Show the whole loop on simulated card payments.")
  int demo(
      @Option(
              names = "--transactions",
              paramLabel = "N",
              defaultValue = "120000",
              description = "Transactions of history (default ${DEFAULT-VALUE}).")
          int transactions,
      @Option(
              names = "--rate",
              paramLabel = "N",
              description =
                  "Live transactions a second (default: 200 for each processor, at most 800).")
          @Nullable Integer rate,
      @Option(
              names = "--seconds",
              paramLabel = "N",
              defaultValue = "60",
              description = "How long they go on (default ${DEFAULT-VALUE}).")
          int seconds,
      @Option(
              names = "--seed",
              paramLabel = "N",
              defaultValue = "42",
              description = "Of the simulated world (default ${DEFAULT-VALUE}).")
          long seed,
      @Option(names = "--no-wait", description = "Stop everything at the end.") boolean noWait,
      @Option(names = "--json", description = "Print the figures as JSON.") boolean json)
      throws Exception {
    Session session = begin("demo");
    int perSecond =
        rate == null ? Math.min(800, 200 * Runtime.getRuntime().availableProcessors()) : rate;
    Demo.Settings settings =
        new Demo.Settings(transactions, perSecond, seconds, seed, Instant.now());
    return new DemoCommand(session).run(fraudExample(), settings, !noWait, json);
  }

  @Command(name = "up", description = "Run a project on the local stack until Ctrl-C.")
  int up(@Mixin ProjectArguments project) throws Exception {
    ProjectSession on = begin("up", project);
    return new UpCommand(on.session()).run(on.project(), on.config());
  }

  @Command(name = "validate", description = "Check a project and list everything that is wrong.")
  int validate(
      @Parameters(paramLabel = "PROJECT") Path project,
      @Option(names = "--json", description = "Print the result as JSON.") boolean json) {
    LogFile.none();
    return new ValidateCommand(console).run(project, json);
  }

  @Command(
      name = "check",
      description = "Run the tests of a project on its real operators, without any server.")
  int check(
      @Parameters(paramLabel = "PROJECT") Path project,
      @Option(names = "--json", description = "Print the results as JSON.") boolean json)
      throws Exception {
    LogFile.none();
    return new CheckCommand(console).run(LoadedProject.load(project), verbose, json);
  }

  @Command(
      name = "plan",
      description = "Show what would change against what is deployed, and what it costs.")
  int plan(
      @Mixin ProjectArguments project,
      @Option(
              names = "--history",
              paramLabel = "STREAM=FILE",
              description = "Measure on this sample; the other streams come from the log.")
          @Nullable List<String> history,
      @Option(
              names = "--sample",
              description = "Measure on what the log holds, where no file is given.")
          boolean sample,
      @Option(names = "--json", description = "Print the plan as JSON.") boolean json)
      throws Exception {
    ProjectSession on = begin("plan", project);
    Optional<SampleJob.Costs> costs = Optional.empty();
    if (sample || history != null) {
      console.live("measuring the sample …");
      costs =
          Optional.of(
              SampleJob.run(
                  on.flink(),
                  on.project().plan(),
                  HistorySources.of(
                          on.project(),
                          history == null ? List.of() : history,
                          on.config(),
                          on.home())
                      .pinned(on.project().plan())));
    } else {
      console.say("no costs: measure them with --history STREAM=FILE, or --sample for the log");
    }
    return new PlanCommand(on.console())
        .run(on.project(), Lakes.present(on.config(), on.home()), costs, json);
  }

  @Command(
      name = "train",
      description = "Train a model on the history and register it as the version to serve.")
  int train(
      @Mixin ProjectArguments project,
      @Parameters(index = "1", paramLabel = "MODEL") String model,
      @Mixin HistoryOption history,
      @Option(
              names = "--hold-out",
              paramLabel = "SHARE",
              defaultValue = "0.2",
              description = "Newest questions to judge the model on (default ${DEFAULT-VALUE}).")
          double holdOut,
      @Option(
              names = "--seed",
              paramLabel = "N",
              defaultValue = "1",
              description = "Of the order of the rows (default ${DEFAULT-VALUE}).")
          long seed,
      @Option(
              names = "--max-rows",
              paramLabel = "N",
              defaultValue = "500000",
              description = "Refuse more questions than this (default ${DEFAULT-VALUE}).")
          int maxRows,
      @Option(names = "--json", description = "Print the result as JSON.") boolean json)
      throws Exception {
    ModelTraining.Settings settings = new ModelTraining.Settings(holdOut, seed, maxRows);
    ProjectSession on = begin("train", project);
    return new TrainCommand(on.console())
        .run(on.flink(), on.project(), model, on.history(history), on.models(), settings, json);
  }

  @Command(
      name = "training-set",
      description = "Make a training set: rows, and the features of each as of its event time.")
  int trainingSet(@Mixin ProjectArguments project, @Mixin TrainingSetOptions options)
      throws Exception {
    options.check();
    ProjectSession on = begin("training-set", project);
    return new TrainingSetCommand(on).run(options);
  }

  @Command(
      name = "score",
      description =
          "Score past questions, or the rows of a file, and compare with what was served.")
  int score(
      @Mixin ProjectArguments project,
      @Parameters(index = "1", paramLabel = "MODEL") String model,
      @Option(
              names = "--model-version",
              paramLabel = "N",
              description = "Ask this version; else the one that is served now.")
          @Nullable Integer version,
      @Option(
              names = "--spine",
              paramLabel = "FILE",
              description = "Rows with the columns of the model's stream, as questions only.")
          @Nullable Path spine,
      @Option(
              names = "--from",
              paramLabel = "TIME",
              description = "Only questions of this event time or later.")
          @Nullable String from,
      @Option(
              names = "--to",
              paramLabel = "TIME",
              description = "Only questions before this event time.")
          @Nullable String to,
      @Option(
              names = "--as-served",
              description = "Score the vectors that were served, instead of computing them again.")
          boolean asServed,
      @Option(
              names = "--threshold",
              paramLabel = "SCORE",
              defaultValue = "0.5",
              description = "Count the scores that cross it (default ${DEFAULT-VALUE}).")
          double threshold,
      @Option(names = "--dry-run", description = "Compare, and keep nothing.") boolean dryRun,
      @Mixin HistoryOption history,
      @Option(names = "--json", description = "Print the result as JSON.") boolean json)
      throws Exception {
    ScoreCommand.Request request =
        ScoreCommand.Request.of(model, version, spine, from, to, asServed, threshold, dryRun);
    ProjectSession on = begin("score", project);
    return new ScoreCommand(on.console())
        .run(
            on.flink(),
            on.project(),
            request,
            on.history(history),
            on.lakeIfThereIsOne(),
            ModelRepository.open(on.models()),
            Instant.now(),
            json);
  }

  @Command(
      name = "replay",
      description = {
        "Compute feature rows of the past again, from lake and log, into the offline tables.",
        "They are a new generation: the rows that are there stay, and readers see the new ones."
      })
  int replay(
      @Mixin ProjectArguments project,
      @Option(
              names = "--from",
              paramLabel = "TIME",
              description = "The first instant of a row; else all of history.")
          @Nullable String from,
      @Option(
              names = "--to",
              paramLabel = "TIME",
              description = "Before this instant; else as far as the clock of the lake has gone.")
          @Nullable String to,
      @Option(
              names = "--views",
              paramLabel = "A,B",
              description = "The rows of these feature views; else of all.")
          @Nullable String views,
      @Mixin HistoryOption history,
      @Option(names = "--json", description = "Print what was done as JSON.") boolean json)
      throws Exception {
    TimeRange range = TimeRange.of(from, to);
    ProjectSession on = begin("replay", project);
    return new ReplayCommand(on.console())
        .run(
            on.flink(),
            on.project(),
            ReplayCommand.views(on.project(), views),
            on.history(history),
            on.lake(),
            range,
            json);
  }

  @Command(
      name = "bootstrap",
      description = "Compute new and changed views from history, then switch readers over.")
  int bootstrap(
      @Mixin ProjectArguments project,
      @Option(
              names = "--views",
              paramLabel = "A,B",
              description = "These views; else all that are new or changed.")
          @Nullable String views,
      @Option(names = "--no-activate", description = "Leave readers with what they have.")
          boolean noActivate,
      @Option(names = "--json", description = "Print the result as JSON.") boolean json)
      throws Exception {
    ProjectSession on = begin("bootstrap", project);
    RunningStack stack = RunningStack.require(on.home());
    try (RemoteFlink flink = new RemoteFlink(stack, on.config())) {
      return new BootstrapCommand(on.console())
          .run(
              on.project(),
              BootstrapCommand.views(on.project(), views),
              on.stores(),
              flink,
              !noActivate,
              json);
    }
  }

  @Command(
      name = "rollback",
      description = "Make readers use the versions of views that they used before.")
  int rollback(
      @Mixin ProjectArguments project,
      @Option(
              names = "--views",
              paramLabel = "A,B",
              description = "These views; else all that have a version before.")
          @Nullable String views,
      @Option(names = "--json", description = "Print the result as JSON.") boolean json)
      throws Exception {
    ProjectSession on = begin("rollback", project);
    return BootstrapCommand.rollback(
        on.console(), on.stores(), BootstrapCommand.views(on.project(), views), json);
  }

  @Command(name = "get", description = "Show the online row of one entity.")
  int get(
      @Mixin ProjectArguments project,
      @Parameters(index = "1", paramLabel = "VIEW") String view,
      @Parameters(index = "2..*", paramLabel = "KEY=VALUE", arity = "1..*") List<String> key,
      @Option(names = "--json", description = "Print the row as JSON.") boolean json)
      throws Exception {
    ProjectSession on = begin("get", project);
    return new GetCommand(on.console())
        .run(on.project(), on.redis(), view, key, json, Instant.now());
  }

  @Command(
      name = "explain",
      description = "Show which events are in each window of one entity, and which are not.")
  int explain(
      @Mixin ProjectArguments project,
      @Parameters(index = "1", paramLabel = "VIEW") String view,
      @Parameters(index = "2..*", paramLabel = "KEY=VALUE", arity = "1..*") List<String> key,
      @Option(
              names = "--at",
              paramLabel = "TIME",
              description = "As of this instant; else as of the entity's newest event.")
          @Nullable String at,
      @Mixin HistoryOption history,
      @Option(names = "--json", description = "Print the explanation as JSON.") boolean json)
      throws Exception {
    ProjectSession on = begin("explain", project);
    return new ExplainCommand(on.console())
        .run(
            on.flink(),
            OneShotFlink.temporary(on.home()),
            on.project(),
            view,
            key,
            ExplainCommand.instant(at),
            on.history(history),
            json);
  }

  @Command(
      name = "verify",
      description = "Compare both stores with each other and with a replay of history.")
  int verify(
      @Mixin ProjectArguments project,
      @Option(
              names = "--views",
              paramLabel = "A,B",
              description = "These feature views only; else all, and what models were given.")
          @Nullable String views,
      @Option(
              names = "--sample",
              paramLabel = "1/N",
              description = "Compare one key in N; else all.")
          @Nullable String sample,
      @Mixin HistoryOption history,
      @Option(
              names = "--continuous",
              description = "Go on watching the online rows of a sample (1/100) until Ctrl-C.")
          boolean continuous,
      @Option(names = "--json", description = "Print what was found as JSON.") boolean json)
      throws Exception {
    ProjectSession on = begin("verify", project);
    if (continuous) {
      if (json || views != null || !history.written().isEmpty()) {
        throw new WrongUsageException(
            "--continuous watches all views on the log and prints text; leave out --json, --views and --history");
      }
      return new VerifyCommand(on.console())
          .watch(
              on.flink(),
              on.project(),
              VerifyCommand.oneKeyIn(sample == null ? "1/100" : sample),
              HistorySources.live(on.config(), on.home()),
              on.redis());
    }
    return new VerifyCommand(on.console())
        .run(
            on.flink(),
            on.project(),
            VerifyCommand.views(on.project(), views),
            views == null,
            VerifyCommand.oneKeyIn(sample),
            on.history(history),
            on.redis(),
            on.lake(),
            json);
  }

  @Command(
      name = "rehydrate",
      description = "Fill an online store that lost its rows, while jobs go on writing it.")
  int rehydrate(
      @Mixin ProjectArguments project,
      @Option(names = "--views", paramLabel = "A,B", description = "These feature views; else all.")
          @Nullable String views,
      @Mixin HistoryOption history,
      @Option(names = "--json", description = "Print what was written as JSON.") boolean json)
      throws Exception {
    ProjectSession on = begin("rehydrate", project);
    return new RehydrateCommand(on.console())
        .run(
            on.flink(),
            on.project(),
            VerifyCommand.views(on.project(), views),
            on.history(history),
            on.redis(),
            on.lake(),
            json);
  }

  @Command(name = "sql", description = "Run one Flink SQL statement over the lake, read-only.")
  int sql(
      @Parameters(paramLabel = "STATEMENT", description = "As in \"SHOW DATABASES\".")
          String statement,
      @Option(
              names = "--project",
              paramLabel = "PROJECT",
              description = "The events of its streams are the tables streams.STREAM.")
          @Nullable Path project,
      @Option(names = "--write", description = "Allow statements that change something.")
          boolean write,
      @Option(names = "--json", description = "One JSON object a row.") boolean json,
      @Option(
              names = "--limit",
              paramLabel = "N",
              defaultValue = "1000",
              description = "Print at most N rows (default ${DEFAULT-VALUE}).")
          int limit,
      @Mixin EnvironmentOption in)
      throws Exception {
    Session session = begin("sql");
    EnvironmentConfig config = in.load(project == null ? Path.of("") : project, environment);
    LakeSql sql =
        LakeSql.open(
            Optional.of(Lakes.find(config, session.home())),
            OneShotFlink.temporary(session.home()));
    if (project != null) {
      LoadedProject loaded = LoadedProject.load(project);
      sql.withStreams(
          loaded, HistorySources.of(loaded, List.of(), config, session.home()), statement);
    }
    return new SqlCommand(session.console()).run(statement, sql, write, json, limit);
  }

  @Command(
      name = "maintain",
      description =
          "Compact the tables of the lake, expire old snapshots and delete orphans, once.")
  int maintain(
      @Parameters(paramLabel = "PROJECT") Path project,
      @Option(names = "--table", paramLabel = "T", description = "Only this table.")
          @Nullable String table,
      @Option(names = "--dry-run", description = "Only show what is due.") boolean dryRun,
      @Option(names = "--json", description = "Print the result as JSON.") boolean json,
      @Mixin EnvironmentOption in)
      throws Exception {
    Session session = begin("maintain");
    EnvironmentConfig config = in.load(project, environment);
    return new MaintainCommand(session, Lakes.find(config, session.home()), config.tableCare())
        .run(Optional.ofNullable(table), dryRun, json, Instant.now());
  }

  /** {@code tables}, which has a command of its own below it. */
  @Command(name = "tables", description = "Show what the tables of the lake are made of.")
  static final class Tables implements Callable<Integer> {

    @ParentCommand private @Nullable TailwaterCommand parent;

    @Parameters(paramLabel = "PROJECT", arity = "0..1", description = "Whose environment counts.")
    private Path project = Path.of("");

    @Option(names = "--json", description = "Print the figures as JSON.")
    private boolean json;

    @Mixin private EnvironmentOption in = new EnvironmentOption();

    @Override
    public Integer call() throws Exception {
      return command(project, in).show(json);
    }

    @Command(
        name = "rollback",
        description = {
          "Take a table back to a snapshot, or all feature tables to a checkpoint of a job.",
          "Stop every job that writes them first."
        })
    int rollback(
        @Parameters(paramLabel = "TABLE", arity = "0..1", description = "As tables shows it.")
            @Nullable String table,
        @Parameters(paramLabel = "SNAPSHOT", arity = "0..1", description = "Its id.")
            @Nullable Long snapshot,
        @Option(
                names = "--to-checkpoint",
                paramLabel = "JOB@N",
                description = "What the tables held when this checkpoint completed.")
            @Nullable String checkpoint,
        @Option(names = "--force", description = "Also undo what other jobs have written since.")
            boolean force,
        @Option(
                names = "--project",
                paramLabel = "PROJECT",
                description = "Whose environment counts.")
            @Nullable Path ofProject,
        @Mixin EnvironmentOption environmentOfProject)
        throws Exception {
      return command(ofProject == null ? project : ofProject, environmentOfProject)
          .rollBack(table, snapshot, checkpoint, force);
    }

    private TablesCommand command(Path ofProject, EnvironmentOption option) throws IOException {
      TailwaterCommand root = Objects.requireNonNull(parent, "picocli sets it");
      Session session = root.begin("tables");
      EnvironmentConfig config = option.load(ofProject, root.environment);
      return new TablesCommand(
          session.console(), Lakes.find(config, session.home()), config.tableCare());
    }
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

  /** A project and where it runs, for the commands that need both. */
  static final class ProjectArguments {

    @Parameters(index = "0", paramLabel = "PROJECT")
    private @Nullable Path project;

    @Mixin private EnvironmentOption environment = new EnvironmentOption();

    Path project() {
      return Objects.requireNonNull(project, "picocli sets it");
    }

    EnvironmentOption environment() {
      return environment;
    }
  }

  /** Where things run, for the commands that reach a log or a store. */
  static final class EnvironmentOption {

    @Option(
        names = "--environment",
        paramLabel = "FILE",
        description = "Where things run; else PROJECT/tailwater.yaml, else the local stack.")
    private @Nullable Path file;

    EnvironmentConfig load(Path project, Map<String, String> variables) {
      return EnvironmentConfig.load(project, file, variables);
    }
  }

  /** The example beside the command's own sources, where the start script says they are. */
  private static LoadedProject fraudExample() {
    Path root = Path.of(System.getProperty("tailwater.root", ""));
    return LoadedProject.load(root.resolve("feature-definitions/examples/fraud"));
  }

  private ProjectSession begin(String command, ProjectArguments arguments) {
    Session session = begin(command);
    return new ProjectSession(
        session,
        LoadedProject.load(arguments.project()),
        arguments.environment().load(arguments.project(), environment));
  }

  private Session begin(String command) {
    TailwaterHome chosen = TailwaterHome.choose(home, environment);
    log = LogFile.open(chosen, command, verbose, Instant.now());
    return new Session(console, chosen, environment, verbose);
  }

  /** Shows the one message of a failure, and where its details are. */
  int failed(Exception failure, CommandLine commandLine) {
    if (failure instanceof WrongUsageException) {
      console.say(commandLine.getCommandSpec().qualifiedName() + ": " + failure.getMessage());
      commandLine.usage(commandLine.getErr());
      return Main.WRONG_USAGE;
    }
    if (failure instanceof InvalidProjectException invalid) {
      invalid.problems().forEach(problem -> console.say(problem.toString()));
      return Main.FAILED;
    }
    CommandSpec command = commandLine.getCommandSpec();
    boolean messageIsAll = failure instanceof CommandFailedException && failure.getCause() == null;
    if (!messageIsAll) {
      LoggerFactory.getLogger(TailwaterCommand.class).error("{} failed", command.name(), failure);
    }
    console.say(command.qualifiedName() + ": " + Failures.describe(failure));
    if (verbose) {
      java.io.StringWriter trace = new java.io.StringWriter();
      failure.printStackTrace(new java.io.PrintWriter(trace, true));
      console.say(trace.toString());
    }
    LogFile file = log;
    if (file != null && file.exists() && !messageIsAll) {
      console.say("Details: " + file.path());
    }
    return Main.FAILED;
  }
}

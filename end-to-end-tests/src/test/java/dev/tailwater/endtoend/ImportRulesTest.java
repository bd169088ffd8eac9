package dev.tailwater.endtoend;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.GeneralCodingRules.ACCESS_STANDARD_STREAMS;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import java.util.Calendar;
import java.util.Date;
import java.util.stream.Stream;

/** Who may import what: the table of {@code docs/architecture.md}. No rule has an exception. */
@AnalyzeClasses(
    packages = "dev.tailwater",
    importOptions = {
      ImportOption.DoNotIncludeTests.class,
      ImportOption.DoNotIncludePackageInfos.class
    })
class ImportRulesTest {

  private static final String[] PLATFORM = {"java..", "org.jspecify.annotations..", "org.slf4j.."};

  private static final String SCHEMAS = "dev.tailwater.schemas..";
  private static final String KERNEL = "dev.tailwater.kernel..";
  private static final String[] FEATURE_DEFINITIONS = {
    "dev.tailwater.definitions..", "dev.tailwater.expressions..", "dev.tailwater.plan..", KERNEL
  };
  private static final String SKETCHES = "org.apache.datasketches..";
  private static final String JANINO = "org.codehaus.janino..";
  private static final String COMPILERS = "org.codehaus.commons.compiler..";
  private static final String LAYOUT_COMPILER = "dev.tailwater.kernel.LayoutCompiler";
  private static final String SERVING = "dev.tailwater.serving..";
  private static final String TRAINING = "dev.tailwater.training..";
  private static final String LOCAL_STACK = "dev.tailwater.localstack..";
  private static final String JOBS = "dev.tailwater.jobs..";
  private static final String CHECKS = "dev.tailwater.checks..";
  private static final String CLI = "dev.tailwater.cli..";
  private static final String CONNECTORS = "dev.tailwater.connectors..";
  private static final String LOG_API = "dev.tailwater.connectors.log..";
  private static final String STORE_API = "dev.tailwater.connectors.store..";
  private static final String FLINK = "org.apache.flink..";

  @ArchTest
  static final ArchRule schemasKnowAvroAndJackson =
      classes()
          .that()
          .resideInAPackage(SCHEMAS)
          .should()
          .onlyDependOnClassesThat(
              platformOr(SCHEMAS, "org.apache.avro..", "com.fasterxml.jackson.core.."));

  @ArchTest
  static final ArchRule theKernelIsPlainJavaOverSchemasAndSketches =
      classes()
          .that()
          .resideInAPackage(KERNEL)
          .and()
          .doNotHaveFullyQualifiedName(LAYOUT_COMPILER)
          .should()
          .onlyDependOnClassesThat(platformOr(KERNEL, SCHEMAS, SKETCHES));

  @ArchTest
  static final ArchRule theLayoutCompilerKnowsJanino =
      classes()
          .that()
          .haveFullyQualifiedName(LAYOUT_COMPILER)
          .should()
          .onlyDependOnClassesThat(platformOr(KERNEL, SCHEMAS, JANINO, COMPILERS));

  @ArchTest
  static final ArchRule nothingElseKnowsJanino =
      noClasses()
          .that()
          .doNotHaveFullyQualifiedName(LAYOUT_COMPILER)
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(JANINO, COMPILERS);

  @ArchTest
  static final ArchRule definitionsKnowYamlAndCalcite =
      classes()
          .that()
          .resideInAnyPackage(FEATURE_DEFINITIONS)
          .and()
          .doNotHaveFullyQualifiedName(LAYOUT_COMPILER)
          .should()
          .onlyDependOnClassesThat(
              platformOr(
                  and(
                      FEATURE_DEFINITIONS,
                      SCHEMAS,
                      SKETCHES,
                      "org.snakeyaml.engine..",
                      "org.apache.calcite..")));

  @ArchTest static final ArchRule theApiOfTheLogKnowsFlinkAndSchemas = connector(LOG_API);

  @ArchTest
  static final ArchRule theApiOfTheStoresKnowsTheApiOfTheLog = connector(STORE_API, LOG_API);

  @ArchTest
  static final ArchRule theLogConnectorKnowsKafka =
      connector("dev.tailwater.connectors.kafka..", LOG_API, "org.apache.kafka..");

  @ArchTest
  static final ArchRule filesKnowParquet =
      connector(
          "dev.tailwater.connectors.files..",
          LOG_API,
          "org.apache.parquet..",
          "org.apache.hadoop.conf..");

  @ArchTest
  static final ArchRule theOnlineStoreKnowsRedis =
      connector("dev.tailwater.connectors.redis..", LOG_API, STORE_API, "redis.clients.jedis..");

  @ArchTest
  static final ArchRule theLakeKnowsIceberg =
      connector(
          "dev.tailwater.connectors.iceberg..",
          LOG_API,
          STORE_API,
          "org.apache.iceberg..",
          "org.apache.hadoop.conf..");

  @ArchTest
  static final ArchRule servingKnowsTheOnnxRuntime =
      classes()
          .that()
          .resideInAPackage(SERVING)
          .should()
          .onlyDependOnClassesThat(
              platformOr(
                  and(
                      FEATURE_DEFINITIONS,
                      SERVING,
                      SCHEMAS,
                      "ai.onnxruntime..",
                      "com.fasterxml.jackson.core..")));

  @ArchTest
  static final ArchRule trainingKnowsServingAndTribuo =
      classes()
          .that()
          .resideInAPackage(TRAINING)
          .should()
          .onlyDependOnClassesThat(
              platformOr(
                  and(
                      FEATURE_DEFINITIONS,
                      TRAINING,
                      SERVING,
                      SCHEMAS,
                      "org.tribuo..",
                      "ai.onnx.proto.."))); // Tribuo's own copy of the format.

  @ArchTest
  static final ArchRule theLocalStackKnowsNothingOfTailwater =
      noClasses()
          .that()
          .resideInAPackage(LOCAL_STACK)
          .should()
          .dependOnClassesThat(
              resideInAPackage("dev.tailwater..")
                  .and(DescribedPredicate.not(resideInAPackage(LOCAL_STACK))));

  @ArchTest
  static final ArchRule jobsAreFlinkOverEverythingBeforeThem =
      classes()
          .that()
          .resideInAPackage(JOBS)
          .should()
          .onlyDependOnClassesThat(
              platformOr(and(FEATURE_DEFINITIONS, JOBS, SCHEMAS, CONNECTORS, SERVING, FLINK)));

  @ArchTest
  static final ArchRule checksAreFlinkOverJobs =
      classes()
          .that()
          .resideInAPackage(CHECKS)
          .should()
          .onlyDependOnClassesThat(
              platformOr(and(FEATURE_DEFINITIONS, CHECKS, JOBS, SCHEMAS, CONNECTORS, FLINK)));

  @ArchTest
  static final ArchRule onlyTheCommandRunsChecks =
      noClasses()
          .that()
          .resideOutsideOfPackages(CLI, CHECKS)
          .should()
          .dependOnClassesThat()
          .resideInAPackage(CHECKS);

  @ArchTest
  static final ArchRule nothingImportsTheCommand =
      noClasses()
          .that()
          .resideOutsideOfPackage(CLI)
          .should()
          .dependOnClassesThat()
          .resideInAPackage(CLI);

  @ArchTest
  static final ArchRule onlyTheCommandStartsServersAndTrains =
      noClasses()
          .that()
          .resideOutsideOfPackages(CLI, LOCAL_STACK, TRAINING)
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(LOCAL_STACK, TRAINING);

  @ArchTest
  static final ArchRule noPackagesImportEachOther =
      slices().matching("dev.tailwater.(**)").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule onlyTheEntryOfAProgramSpeaksToTheTerminal =
      noClasses().that(areNoPrograms()).should(ACCESS_STANDARD_STREAMS);

  @ArchTest
  static final ArchRule timeIsNeverADateOrACalendar =
      noClasses()
          .should()
          .dependOnClassesThat()
          .areAssignableTo(Date.class)
          .orShould()
          .dependOnClassesThat()
          .areAssignableTo(Calendar.class);

  /** A connector: Flink, the schemas, and what else is named. */
  private static ArchRule connector(String own, String... others) {
    return classes()
        .that()
        .resideInAPackage(own)
        .should()
        .onlyDependOnClassesThat(platformOr(and(others, own, SCHEMAS, FLINK)));
  }

  private static DescribedPredicate<JavaClass> platformOr(String... packages) {
    return resideInAnyPackage(and(PLATFORM, packages))
        .or(DescribedPredicate.describe("primitive types", JavaClass::isPrimitive));
  }

  private static String[] and(String[] some, String... others) {
    return Stream.concat(Stream.of(some), Stream.of(others)).toArray(String[]::new);
  }

  private static DescribedPredicate<JavaClass> areNoPrograms() {
    return DescribedPredicate.describe(
        "have no main method", type -> type.tryGetMethod("main", String[].class).isEmpty());
  }
}

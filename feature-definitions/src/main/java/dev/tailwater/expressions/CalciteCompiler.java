package dev.tailwater.expressions;

import dev.tailwater.schemas.Column;
import dev.tailwater.schemas.ColumnType;
import dev.tailwater.schemas.Timestamps;
import java.math.BigDecimal;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.apache.calcite.DataContext;
import org.apache.calcite.adapter.java.JavaTypeFactory;
import org.apache.calcite.avatica.util.Casing;
import org.apache.calcite.avatica.util.TimeUnit;
import org.apache.calcite.avatica.util.TimeUnitRange;
import org.apache.calcite.config.CalciteConnectionConfigImpl;
import org.apache.calcite.config.CalciteConnectionProperty;
import org.apache.calcite.jdbc.CalciteSchema;
import org.apache.calcite.jdbc.JavaTypeFactoryImpl;
import org.apache.calcite.linq4j.QueryProvider;
import org.apache.calcite.linq4j.function.Function1;
import org.apache.calcite.plan.RelOptCluster;
import org.apache.calcite.plan.volcano.VolcanoPlanner;
import org.apache.calcite.prepare.CalciteCatalogReader;
import org.apache.calcite.rel.type.RelDataType;
import org.apache.calcite.rel.type.RelDataTypeFactory;
import org.apache.calcite.rel.type.RelDataTypeSystemImpl;
import org.apache.calcite.rex.RexBuilder;
import org.apache.calcite.rex.RexCall;
import org.apache.calcite.rex.RexExecutorImpl;
import org.apache.calcite.rex.RexInputRef;
import org.apache.calcite.rex.RexLiteral;
import org.apache.calcite.rex.RexNode;
import org.apache.calcite.rex.RexOver;
import org.apache.calcite.rex.RexShuttle;
import org.apache.calcite.rex.RexUtil;
import org.apache.calcite.rex.RexVisitorImpl;
import org.apache.calcite.runtime.CalciteContextException;
import org.apache.calcite.schema.SchemaPlus;
import org.apache.calcite.sql.SqlAggFunction;
import org.apache.calcite.sql.SqlBasicCall;
import org.apache.calcite.sql.SqlCall;
import org.apache.calcite.sql.SqlCallBinding;
import org.apache.calcite.sql.SqlCharStringLiteral;
import org.apache.calcite.sql.SqlDynamicParam;
import org.apache.calcite.sql.SqlFunction;
import org.apache.calcite.sql.SqlIdentifier;
import org.apache.calcite.sql.SqlIntervalQualifier;
import org.apache.calcite.sql.SqlKind;
import org.apache.calcite.sql.SqlNode;
import org.apache.calcite.sql.SqlNodeList;
import org.apache.calcite.sql.SqlNumericLiteral;
import org.apache.calcite.sql.SqlOperator;
import org.apache.calcite.sql.SqlSyntax;
import org.apache.calcite.sql.SqlUnresolvedFunction;
import org.apache.calcite.sql.fun.SqlCase;
import org.apache.calcite.sql.fun.SqlLibraryOperators;
import org.apache.calcite.sql.fun.SqlStdOperatorTable;
import org.apache.calcite.sql.fun.SqlTrimFunction;
import org.apache.calcite.sql.parser.SqlParseException;
import org.apache.calcite.sql.parser.SqlParser;
import org.apache.calcite.sql.parser.SqlParserPos;
import org.apache.calcite.sql.type.SqlTypeName;
import org.apache.calcite.sql.type.SqlTypeUtil;
import org.apache.calcite.sql.util.SqlShuttle;
import org.apache.calcite.sql.validate.SqlConformanceEnum;
import org.apache.calcite.sql.validate.SqlDelegatingConformance;
import org.apache.calcite.sql.validate.SqlNameMatchers;
import org.apache.calcite.sql.validate.SqlValidator;
import org.apache.calcite.sql.validate.SqlValidatorScope;
import org.apache.calcite.sql.validate.SqlValidatorUtil;
import org.apache.calcite.sql.validate.implicit.TypeCoercionImpl;
import org.apache.calcite.sql2rel.SqlToRelConverter;
import org.apache.calcite.sql2rel.StandardConvertletTable;
import org.jspecify.annotations.Nullable;

/** Compiles one expression to Java byte code: parse, bind, validate, generate. */
final class CalciteCompiler {

  private static final SqlParser.Config SYNTAX =
      SqlParser.config()
          .withCaseSensitive(true)
          .withUnquotedCasing(Casing.UNCHANGED)
          .withConformance(new Conformance());

  private static final Set<TimeUnit> BELOW_SECONDS =
      EnumSet.of(TimeUnit.MILLISECOND, TimeUnit.MICROSECOND, TimeUnit.NANOSECOND);

  /** Operators that have a value, or NULL, for any operands that have one. */
  private static final Set<SqlKind> ALWAYS_HAVE_A_VALUE =
      EnumSet.of(
          SqlKind.AND,
          SqlKind.OR,
          SqlKind.NOT,
          SqlKind.CASE,
          SqlKind.IS_NULL,
          SqlKind.IS_NOT_NULL,
          SqlKind.IS_TRUE,
          SqlKind.IS_NOT_TRUE,
          SqlKind.IS_FALSE,
          SqlKind.IS_NOT_FALSE,
          SqlKind.EQUALS,
          SqlKind.NOT_EQUALS,
          SqlKind.LESS_THAN,
          SqlKind.LESS_THAN_OR_EQUAL,
          SqlKind.GREATER_THAN,
          SqlKind.GREATER_THAN_OR_EQUAL,
          SqlKind.SEARCH);

  private static final int MAX_OPERATIONS_TWICE = 200;

  private final List<Column> columns;

  private CalciteCompiler(List<Column> columns) {
    this.columns = columns;
  }

  static CompiledExpression compile(String sql, List<Column> columns) {
    try {
      return new CalciteCompiler(columns).compile(sql);
    } catch (InvalidExpressionException e) {
      throw e;
    } catch (SqlParseException e) {
      throw Refusals.notParsed(e, columns);
    } catch (CalciteContextException e) {
      throw Refusals.invalid(e);
    } catch (RuntimeException | StackOverflowError | AssertionError e) {
      // Calcite reports what it cannot translate by many exceptions, assertions among them.
      throw Refusals.notCompiled(e);
    }
  }

  private CompiledExpression compile(String sql) throws SqlParseException {
    SqlNode parsed = SqlParser.create(sql, SYNTAX).parseExpression();
    WrittenOut.requireShort(parsed);
    SqlNode bound = parsed.accept(new Binder(columns));
    if (bound == null) {
      throw new InvalidExpressionException(0, 0, "is empty", "write an expression");
    }
    JavaTypeFactory types = new TypeFactory();
    RelDataTypeFactory.Builder rowType = types.builder();
    RexBuilder builder = new RexBuilder(types);
    Map<String, RelDataType> typeByName = new LinkedHashMap<>();
    Map<String, RexNode> valueByName = new HashMap<>();
    for (int i = 0; i < columns.size(); i++) {
      RelDataType type = sqlType(columns.get(i).type(), types);
      rowType.add(columns.get(i).name(), type);
      typeByName.put(columns.get(i).name(), type);
      valueByName.put(columns.get(i).name(), builder.makeInputRef(type, i));
    }

    Properties settings = new Properties();
    settings.setProperty(CalciteConnectionProperty.CASE_SENSITIVE.camelName(), "true");
    CalciteCatalogReader catalog =
        new CalciteCatalogReader(
            CalciteSchema.createRootSchema(false, false),
            List.of(),
            types,
            new CalciteConnectionConfigImpl(settings));
    SqlValidator validator =
        SqlValidatorUtil.newValidator(
            RowFunctions.table(),
            catalog,
            types,
            SqlValidator.Config.DEFAULT
                .withConformance(new Conformance())
                .withTypeCoercionFactory(NumericCoercion::new));
    SqlNode valid = validator.validateParameterizedExpression(bound, typeByName);
    SqlToRelConverter converter =
        new SqlToRelConverter(
            (row, query, schemaPath, viewPath) -> {
              throw new IllegalStateException("an expression has no view: " + query);
            },
            validator,
            catalog,
            RelOptCluster.create(new VolcanoPlanner(), builder),
            StandardConvertletTable.INSTANCE,
            // An IN list of any length stays a condition; there is nothing to join it with.
            SqlToRelConverter.config().withInSubQueryThreshold(Integer.MAX_VALUE));
    RexNode value =
        converter.convertExpression(valid, valueByName).accept(new Replacement(builder));

    Inspection inspection = new Inspection();
    value.accept(inspection);
    ColumnType type = columnType(value.getType());
    RexNode result =
        builder.makeCast(types.createTypeWithNullability(sqlType(type, types), true), value);
    // getFunction() is only declared to return null before compilation.
    Function1<DataContext, @Nullable Object[]> code =
        RexExecutorImpl.getExecutable(builder, List.of(result), rowType.build()).getFunction();
    if (code == null) {
      throw new IllegalStateException("no code for " + result);
    }
    return new Code(sql, type, List.copyOf(inspection.reads), columns.size(), code, false);
  }

  private static RelDataType sqlType(ColumnType type, RelDataTypeFactory types) {
    RelDataType sqlType =
        switch (type) {
          case BOOLEAN -> types.createSqlType(SqlTypeName.BOOLEAN);
          case INT -> types.createSqlType(SqlTypeName.INTEGER);
          case LONG -> types.createSqlType(SqlTypeName.BIGINT);
          case DOUBLE -> types.createSqlType(SqlTypeName.DOUBLE);
          case STRING -> types.createSqlType(SqlTypeName.VARCHAR);
          case TIMESTAMP -> types.createSqlType(SqlTypeName.TIMESTAMP, 3);
          case LONG_LIST, DOUBLE_LIST, STRING_LIST ->
              types.createArrayType(sqlType(type.elementType(), types), -1);
          case LONG_MAP, DOUBLE_MAP ->
              types.createMapType(
                  types.createSqlType(SqlTypeName.VARCHAR), sqlType(type.elementType(), types));
        };
    return types.createTypeWithNullability(sqlType, true);
  }

  private static ColumnType columnType(RelDataType type) {
    return switch (type.getSqlTypeName()) {
      case BOOLEAN -> ColumnType.BOOLEAN;
      case TINYINT, SMALLINT, INTEGER -> ColumnType.INT;
      case BIGINT -> ColumnType.LONG;
      case DECIMAL, FLOAT, REAL, DOUBLE -> ColumnType.DOUBLE;
      case CHAR, VARCHAR -> ColumnType.STRING;
      case TIMESTAMP -> ColumnType.TIMESTAMP;
      case NULL ->
          throw new InvalidExpressionException(
              0, 0, "is NULL of no type", "give it one, as in CAST(NULL AS DOUBLE)");
      default ->
          throw new InvalidExpressionException(
              0,
              0,
              "has the type " + type,
              "make it one of BOOLEAN, INTEGER, BIGINT, DOUBLE, VARCHAR, TIMESTAMP");
    };
  }

  /** Binds names to columns, dotted ones included, and refuses what is not a row expression. */
  private static final class Binder extends SqlShuttle {

    private final List<Column> columns;

    Binder(List<Column> columns) {
      this.columns = columns;
    }

    @Override
    public @Nullable SqlNode visit(SqlIdentifier identifier) {
      SqlParserPos position = identifier.getParserPosition();
      if (identifier.isStar()) {
        throw refused(position, "* stands for no column");
      }
      String name = String.join(".", identifier.names);
      for (Column column : columns) {
        if (column.name().equals(name)) {
          return new SqlIdentifier(name, position);
        }
      }
      if (identifier.isSimple() && name.equalsIgnoreCase("PI")) {
        return SqlStdOperatorTable.PI.createCall(position);
      }
      if (isFunction(identifier)) {
        throw refused(position, name + " is not a function of the row");
      }
      List<String> names = columns.stream().map(Column::name).toList();
      throw new InvalidExpressionException(
          position.getLineNum(),
          position.getColumnNum(),
          "column " + name + " does not exist",
          identifier.isSimple() && identifier.isComponentQuoted(0)
              ? "a text is written in single quotes, as in '" + name + "'"
              : Suggestions.nextStep(name, names),
          Optional.of(name));
    }

    /** Functions written without parentheses read the clock or the session. */
    private static boolean isFunction(SqlIdentifier identifier) {
      List<SqlOperator> functions = new ArrayList<>();
      RowFunctions.table()
          .lookupOperatorOverloads(
              identifier, null, SqlSyntax.FUNCTION_ID, functions, SqlNameMatchers.liberal());
      return !functions.isEmpty();
    }

    @Override
    public @Nullable SqlNode visit(SqlCall call) {
      if (call.isA(SqlKind.QUERY)) {
        throw refused(call.getParserPosition(), "a subquery cannot be asked");
      }
      if (call.getKind() == SqlKind.OVER) {
        throw refused(call.getParserPosition(), "a window function sees more than one row");
      }
      if (call.getOperator().isName("COUNT", false)) {
        throw refused(call.getParserPosition(), "COUNT sees more than one row");
      }
      if (call.getKind() == SqlKind.ITEM) {
        requireElement(call.operand(1));
      }
      if (call.getKind() == SqlKind.TIMESTAMP_DIFF) {
        requireWholeSeconds(call.operand(0));
      }
      requireUsableTexts(call);
      SqlNode bound = super.visit(call);
      if (bound instanceof SqlBasicCall function
          && function.getOperator() instanceof SqlUnresolvedFunction) {
        function.setOperator(inCapitals((SqlUnresolvedFunction) function.getOperator()));
      }
      return bound;
    }

    /** Names of functions are keywords: the same in any case, unless they are quoted. */
    private static SqlOperator inCapitals(SqlUnresolvedFunction function) {
      SqlIdentifier name = function.getSqlIdentifier();
      if (name == null || !name.isSimple() || name.isComponentQuoted(0)) {
        return function;
      }
      return new SqlUnresolvedFunction(
          new SqlIdentifier(name.getSimple().toUpperCase(Locale.ROOT), name.getParserPosition()),
          function.getReturnTypeInference(),
          function.getOperandTypeInference(),
          function.getOperandTypeChecker(),
          function.getParamTypes(),
          function.getFunctionType());
    }

    /** Of a constant it is known before the first row that no row will have a value. */
    private static void requireUsableTexts(SqlCall call) {
      for (int argument = 0; argument < call.operandCount(); argument++) {
        SqlNode operand = call.operand(argument);
        if (operand instanceof SqlCharStringLiteral literal) {
          try {
            RowFunctions.requireUsable(
                call.getOperator().getName(), argument, literal.getValueAs(String.class));
          } catch (IllegalArgumentException | DateTimeException e) {
            SqlParserPos place = literal.getParserPosition();
            throw new InvalidExpressionException(
                place.getLineNum(),
                place.getColumnNum(),
                call.getOperator().getName()
                    + " cannot use "
                    + literal
                    + ", and would have no value for any row ("
                    + e.getMessage()
                    + ")",
                "correct the text");
          }
        }
      }
    }

    /** Calcite's code for shorter units counts in an INTEGER, and wrongly. */
    private static void requireWholeSeconds(SqlNode unit) {
      if (unit instanceof SqlIntervalQualifier qualifier
          && BELOW_SECONDS.contains(qualifier.getUnit())) {
        SqlParserPos place = unit.getParserPosition();
        throw new InvalidExpressionException(
            place.getLineNum(),
            place.getColumnNum(),
            "TIMESTAMPDIFF counts seconds and longer units, not " + qualifier.getUnit(),
            "subtract milliseconds, as in UNIX_MILLIS(b) - UNIX_MILLIS(a)");
      }
    }

    /** A number is the position of an element: keys of maps are text. */
    private static void requireElement(SqlNode position) {
      boolean negative = position.getKind() == SqlKind.MINUS_PREFIX;
      SqlNode number = negative ? ((SqlCall) position).operand(0) : position;
      if (number instanceof SqlNumericLiteral literal && (negative || literal.signum() <= 0)) {
        SqlParserPos place = position.getParserPosition();
        throw new InvalidExpressionException(
            place.getLineNum(),
            place.getColumnNum(),
            position + " is the position of no element",
            "the first element is [1]; to count from the end, use ARRAY_REVERSE");
      }
    }

    @Override
    public @Nullable SqlNode visit(SqlDynamicParam parameter) {
      throw refused(parameter.getParserPosition(), "there are no parameters");
    }
  }

  private static InvalidExpressionException refused(SqlParserPos position, String reason) {
    return new InvalidExpressionException(
        position.getLineNum(), position.getColumnNum(), reason, Refusals.ONE_ROW);
  }

  /** Puts the functions written here in the place of Calcite's that mean something else. */
  private static final class Replacement extends RexShuttle {

    private final RexBuilder builder;

    Replacement(RexBuilder builder) {
      this.builder = builder;
    }

    @Override
    public RexNode visitCall(RexCall call) {
      if (call.getKind() == SqlKind.AND || call.getKind() == SqlKind.OR) {
        return decidedFromTheLeft(call);
      }
      RexNode visited = super.visitCall(call);
      if (!(visited instanceof RexCall inner)) {
        return visited;
      }
      boolean asksForNull =
          inner.getKind() == SqlKind.IS_NULL || inner.getKind() == SqlKind.IS_NOT_NULL;
      if (asksForNull && MayFail.test(inner.getOperands().get(0))) {
        // Calcite's code would not compute the operand, only look whether what it reads is NULL.
        return inner.clone(
            inner.getType(),
            List.of(builder.makeCall(RowFunctions.COMPUTED, inner.getOperands().get(0))));
      }
      if (isCast(inner)) {
        requireSameMap(inner);
        requireDay(inner);
      }
      Optional<SqlOperator> replacement = RowFunctions.replacement(inner.getOperator());
      if (replacement.isPresent()) {
        return builder.makeCall(inner.getType(), replacement.get(), inner.getOperands());
      }
      if (isCast(inner) && SqlTypeUtil.inCharFamily(inner.getType())) {
        return castToText(inner);
      }
      if (isCast(inner)) {
        return castNumber(inner);
      }
      if (RowFunctions.needsOneElementType(inner.getOperator())) {
        return withOneElementType(inner);
      }
      if (inner.getKind() == SqlKind.ITEM) {
        requireInteger(inner.getOperands().get(1).getType());
      }
      if (inner.getOperator() == SqlLibraryOperators.ARRAY_JOIN) {
        requireTexts(inner.getOperands().get(0).getType());
      }
      if (SqlTypeUtil.isApproximateNumeric(inner.getType())) {
        if (inner.getOperator() == SqlStdOperatorTable.ROUND) {
          return ofDigits(inner, RowFunctions.ROUND_DOUBLE);
        }
        if (inner.getOperator() == SqlStdOperatorTable.TRUNCATE) {
          return ofDigits(inner, RowFunctions.TRUNCATE_DOUBLE);
        }
      }
      if (isRounding(inner.getOperator()) && inner.getOperands().size() > 1) {
        RexNode digits = inner.getOperands().get(1);
        return inner.clone(
            inner.getType(),
            List.of(inner.getOperands().get(0), builder.makeCall(RowFunctions.DIGITS, digits)));
      }
      return switch (inner.getKind()) {
        case TRIM -> trim(inner);
        case EXTRACT -> extract(inner);
        case FLOOR, CEIL -> round(inner);
        default -> inner.getOperator() == SqlStdOperatorTable.JSON_VALUE ? jsonValue(inner) : inner;
      };
    }

    /** The shortest digits of a double, all digits of a TIMESTAMP, whole characters. */
    private RexNode castToText(RexCall cast) {
      RexNode from = cast.getOperands().get(0);
      RelDataType type = cast.getType();
      RexNode text = from;
      if (SqlTypeUtil.isApproximateNumeric(from.getType())) {
        text = builder.makeCall(RowFunctions.TEXT_OF_DOUBLE, from);
      } else if (from.getType().getSqlTypeName() == SqlTypeName.TIMESTAMP) {
        text = builder.makeCall(RowFunctions.TEXT_OF_TIMESTAMP, from);
      } else if (!SqlTypeUtil.inCharFamily(from.getType())) {
        text = cast.clone(textType(type.isNullable()), cast.getOperands());
      }
      if (type.getPrecision() == RelDataType.PRECISION_NOT_SPECIFIED) {
        return text == cast ? cast : builder.makeAbstractCast(type, text, false);
      }
      SqlOperator cut =
          type.getSqlTypeName() == SqlTypeName.CHAR ? RowFunctions.PADDED : RowFunctions.LEFT;
      return builder.makeCall(
          type,
          cut,
          List.of(text, builder.makeExactLiteral(BigDecimal.valueOf(type.getPrecision()))));
    }

    /** A DECIMAL is rounded, not cut. */
    private RexNode castNumber(RexCall cast) {
      RexNode from = cast.getOperands().get(0);
      RelDataType type = cast.getType();
      boolean decimal = type.getSqlTypeName() == SqlTypeName.DECIMAL;
      if (decimal
          && SqlTypeUtil.isNumeric(from.getType())
          && !SqlTypeUtil.isIntType(from.getType())) {
        RexNode rounded =
            builder.makeCall(
                from.getType(),
                SqlStdOperatorTable.ROUND,
                List.of(from, builder.makeExactLiteral(BigDecimal.valueOf(type.getScale()))));
        return cast.clone(type, List.of(rounded));
      }
      return cast;
    }

    private static boolean isRounding(SqlOperator operator) {
      return operator == SqlStdOperatorTable.ROUND || operator == SqlStdOperatorTable.TRUNCATE;
    }

    /** Calcite's own code knows neither NaN nor infinities. */
    private RexNode ofDigits(RexCall call, SqlOperator function) {
      List<RexNode> arguments = new ArrayList<>(call.getOperands());
      if (arguments.size() == 1) {
        arguments.add(builder.makeExactLiteral(BigDecimal.ZERO));
      }
      return builder.makeCall(call.getType(), function, arguments);
    }

    /** Generated code takes the values of a map for those that it is cast to. */
    private static void requireSameMap(RexCall cast) {
      RelDataType to = cast.getType().getValueType();
      RelDataType from = cast.getOperands().get(0).getType().getValueType();
      if (to != null && from != null && to.getSqlTypeName() != from.getSqlTypeName()) {
        throw new InvalidExpressionException(
            0,
            0,
            "takes a map of %s for one of %s".formatted(from.getSqlTypeName(), to.getSqlTypeName()),
            "cast its values, as in MAP['a', CAST(0 AS " + to.getSqlTypeName() + ")]");
      }
    }

    /** Calcite would take the day on which the expression is computed. */
    private static void requireDay(RexCall cast) {
      if (cast.getType().getSqlTypeName() == SqlTypeName.TIMESTAMP
          && cast.getOperands().get(0).getType().getSqlTypeName() == SqlTypeName.TIME) {
        throw new InvalidExpressionException(
            0, 0, "takes a TIME for a TIMESTAMP, but it has no day", "write day and time");
      }
    }

    /** Calcite accepts a BIGINT for the position of an element, and makes code for INTEGER. */
    private static void requireInteger(RelDataType position) {
      if (position.getSqlTypeName() == SqlTypeName.BIGINT) {
        throw new InvalidExpressionException(
            0, 0, "takes a BIGINT for the position in an array", "write CAST(x AS INTEGER)");
      }
    }

    /** Calcite accepts arrays of numbers, and fails for every row. */
    private static void requireTexts(RelDataType array) {
      if (elementType(array) != SqlTypeName.NULL
          && !SqlTypeUtil.inCharFamily(Objects.requireNonNull(array.getComponentType()))) {
        throw new InvalidExpressionException(
            0,
            0,
            "joins an array of %s, but ARRAY_JOIN joins text".formatted(elementType(array)),
            "cast the array, as in CAST(a AS VARCHAR ARRAY)");
      }
    }

    /** Generated code takes the elements of both arrays for those of the result. */
    private RexNode withOneElementType(RexCall call) {
      List<RelDataType> types = call.getOperands().stream().map(RexNode::getType).toList();
      RelDataType common = builder.getTypeFactory().leastRestrictive(types);
      if (common == null) {
        return call;
      }
      List<RexNode> arrays = new ArrayList<>();
      for (RexNode array : call.getOperands()) {
        boolean same = elementType(array.getType()) == elementType(common);
        arrays.add(same ? array : builder.makeAbstractCast(common, array, false));
      }
      return call.clone(call.getType(), arrays);
    }

    private static SqlTypeName elementType(RelDataType array) {
      return Objects.requireNonNull(array.getComponentType()).getSqlTypeName();
    }

    private RelDataType textType(boolean nullable) {
      RelDataTypeFactory types = builder.getTypeFactory();
      return types.createTypeWithNullability(types.createSqlType(SqlTypeName.VARCHAR), nullable);
    }

    /** Any of several characters may be trimmed. */
    private RexNode trim(RexCall trim) {
      SqlTrimFunction.Flag side =
          ((RexLiteral) trim.getOperands().get(0)).getValueAs(SqlTrimFunction.Flag.class);
      SqlOperator function =
          side == SqlTrimFunction.Flag.LEADING
              ? RowFunctions.LTRIM
              : side == SqlTrimFunction.Flag.TRAILING ? RowFunctions.RTRIM : RowFunctions.BTRIM;
      return builder.makeCall(
          trim.getType(), function, List.of(trim.getOperands().get(2), trim.getOperands().get(1)));
    }

    private RexNode extract(RexCall extract) {
      RexNode time = extract.getOperands().get(1);
      Optional<SqlOperator> part =
          isDay(time) || isTimestamp(time)
              ? RowFunctions.part(unit(extract.getOperands().get(0)))
              : Optional.empty();
      return part.isEmpty()
          ? extract
          : builder.makeCall(extract.getType(), part.get(), List.of(timestamp(time)));
    }

    private RexNode round(RexCall call) {
      if (call.getOperands().size() < 2 || !isTimestamp(call.getOperands().get(0))) {
        return call;
      }
      Optional<RowFunctions.Rounding> rounding =
          RowFunctions.rounding(unit(call.getOperands().get(1)), call.getKind() == SqlKind.CEIL);
      if (rounding.isEmpty()) {
        return call;
      }
      List<RexNode> arguments = new ArrayList<>(List.of(call.getOperands().get(0)));
      rounding
          .get()
          .argument()
          .ifPresent(value -> arguments.add(builder.makeExactLiteral(BigDecimal.valueOf(value))));
      return builder.makeCall(call.getType(), rounding.get().function(), arguments);
    }

    private static TimeUnitRange unit(RexNode flag) {
      return Objects.requireNonNull(((RexLiteral) flag).getValueAs(TimeUnitRange.class));
    }

    private static boolean isTimestamp(RexNode time) {
      return time.getType().getSqlTypeName() == SqlTypeName.TIMESTAMP;
    }

    private static boolean isDay(RexNode time) {
      return time.getType().getSqlTypeName() == SqlTypeName.DATE;
    }

    private RexNode timestamp(RexNode time) {
      RelDataTypeFactory types = builder.getTypeFactory();
      return isTimestamp(time)
          ? time
          : builder.makeAbstractCast(
              types.createTypeWithNullability(
                  types.createSqlType(SqlTypeName.TIMESTAMP, 3), time.getType().isNullable()),
              time,
              false);
    }

    /** The value as text, then of the type that RETURNING says: NULL if it is none. */
    private RexNode jsonValue(RexCall value) {
      return SqlTypeUtil.inCharFamily(value.getType())
          ? value
          : builder.makeAbstractCast(
              value.getType(), value.clone(textType(true), value.getOperands()), true);
    }

    /**
     * AND and OR that do not compute an operand which may have no value where those before it
     * decide. Calcite's code computes all of them first.
     */
    private RexNode decidedFromTheLeft(RexCall call) {
      boolean isAnd = call.getKind() == SqlKind.AND;
      List<RexNode> operands = visitList(RexUtil.flatten(call.getOperands(), call.getOperator()));
      if (operands.stream().skip(1).noneMatch(MayFail::test)) {
        return call.clone(call.getType(), operands); // One call, which may have many operands.
      }
      RexNode decided = operands.get(operands.size() - 1);
      boolean mayFail = MayFail.test(decided);
      for (int i = operands.size() - 2; i >= 0; i--) {
        RexNode first = operands.get(i);
        RexNode both =
            builder.makeCall(call.getType(), call.getOperator(), List.of(first, decided));
        // The left side is there twice: where it is long, both sides are computed.
        decided =
            mayFail && first.nodeCount() <= MAX_OPERATIONS_TWICE
                ? builder.makeCall(
                    call.getType(),
                    SqlStdOperatorTable.CASE,
                    List.of(
                        isAnd ? builder.makeCall(SqlStdOperatorTable.IS_FALSE, first) : first,
                        builder.makeLiteral(!isAnd),
                        both))
                : both;
        mayFail = mayFail || MayFail.test(first);
      }
      return decided;
    }

    private static boolean isCast(RexCall call) {
      return call.getKind() == SqlKind.CAST || call.getKind() == SqlKind.SAFE_CAST;
    }
  }

  /** Whether an expression may have no value for a row; TRUE if in doubt. */
  private static final class MayFail extends RexVisitorImpl<Boolean> {

    private MayFail() {
      super(true);
    }

    static boolean test(RexNode node) {
      return Boolean.TRUE.equals(node.accept(new MayFail()));
    }

    @Override
    public Boolean visitCall(RexCall call) {
      boolean safe =
          call.getKind() == SqlKind.CAST
              ? SqlTypeUtil.isApproximateNumeric(call.getType())
                  && SqlTypeUtil.isNumeric(call.getOperands().get(0).getType())
              : ALWAYS_HAVE_A_VALUE.contains(call.getKind());
      return !safe || call.getOperands().stream().anyMatch(MayFail::test);
    }
  }

  /** What an expression reads; refuses functions whose value depends on more than the row. */
  private static final class Inspection extends RexVisitorImpl<Void> {

    final TreeSet<Integer> reads = new TreeSet<>();

    Inspection() {
      super(true);
    }

    @Override
    public Void visitInputRef(RexInputRef input) {
      reads.add(input.getIndex());
      return super.visitInputRef(input);
    }

    @Override
    public Void visitCall(RexCall call) {
      SqlOperator operator = call.getOperator();
      if (operator instanceof SqlAggFunction) {
        throw new InvalidExpressionException(
            0,
            0,
            operator.getName() + " sees more than one row",
            "aggregates belong into feature views");
      }
      if (!operator.isDeterministic() || operator.isDynamicFunction()) {
        throw new InvalidExpressionException(
            0,
            0,
            operator.getName() + " is not a function of the row",
            "a replay must compute the same value: use the event's own columns");
      }
      return super.visitCall(call);
    }

    @Override
    public Void visitOver(RexOver over) {
      throw new InvalidExpressionException(
          0, 0, "a window function sees more than one row", "aggregates belong into feature views");
    }
  }

  /** Implicit casts among numbers only: text that is not a number would fail record by record. */
  private static final class NumericCoercion extends TypeCoercionImpl {

    NumericCoercion(RelDataTypeFactory types, SqlValidator validator) {
      super(types, validator);
    }

    @Override
    public boolean binaryComparisonCoercion(SqlCallBinding binding) {
      requireOneKind(binding, binding.operands());
      return super.binaryComparisonCoercion(binding);
    }

    @Override
    public boolean inOperationCoercion(SqlCallBinding binding) {
      List<SqlNode> values = new ArrayList<>();
      values.add(binding.operand(0));
      if (binding.operand(1) instanceof SqlNodeList list) {
        values.addAll(list);
      }
      requireOneKind(binding, values);
      return super.inOperationCoercion(binding);
    }

    @Override
    public boolean caseWhenCoercion(SqlCallBinding binding) {
      List<SqlNode> values = new ArrayList<>();
      if (binding.getCall() instanceof SqlCase cases) {
        values.addAll(cases.getThenOperands());
        if (cases.getElseOperand() != null) {
          values.add(cases.getElseOperand());
        }
      }
      requireOneKind(binding, values);
      return super.caseWhenCoercion(binding);
    }

    @Override
    protected boolean coerceOperandType(
        @Nullable SqlValidatorScope scope, SqlCall call, int index, RelDataType target) {
      if (scope != null && target.getSqlTypeName() != SqlTypeName.ANY) {
        SqlNode operand = call.operand(index);
        requireSameKind(validator.deriveType(scope, operand), target, call, operand);
      }
      return super.coerceOperandType(scope, call, index, target);
    }

    @Override
    public boolean userDefinedFunctionCoercion(
        SqlValidatorScope scope, SqlCall call, SqlFunction function) {
      return false; // Its operand checker has already cast what may be cast.
    }

    private void requireOneKind(SqlCallBinding binding, List<SqlNode> values) {
      RelDataType first = null;
      for (SqlNode value : values) {
        RelDataType type = validator.deriveType(binding.getScope(), value);
        if (first == null) {
          first = type.getSqlTypeName() == SqlTypeName.NULL ? null : type;
        } else {
          requireSameKind(type, first, binding.getCall(), value);
        }
      }
    }

    private static void requireSameKind(
        RelDataType type, RelDataType target, SqlCall call, SqlNode value) {
      if (type.getSqlTypeName() != SqlTypeName.NULL
          && (SqlTypeUtil.inCharFamily(type) != SqlTypeUtil.inCharFamily(target)
              || SqlTypeUtil.inBooleanFamily(type) != SqlTypeUtil.inBooleanFamily(target))) {
        SqlParserPos position = value.getParserPosition();
        throw new InvalidExpressionException(
            position.getLineNum(),
            position.getColumnNum(),
            type.getSqlTypeName()
                + " cannot stand for "
                + target.getSqlTypeName()
                + " in "
                + call.getOperator().getName(),
            "write a value of that type, or a CAST");
      }
    }
  }

  private static final class Conformance extends SqlDelegatingConformance {

    Conformance() {
      super(SqlConformanceEnum.DEFAULT);
    }

    @Override
    public boolean isPercentRemainderAllowed() {
      return true;
    }

    @Override
    public boolean isBangEqualAllowed() {
      return true;
    }

    @Override
    public boolean allowNiladicParentheses() {
      return true; // PI() as well as PI
    }

    @Override
    public boolean allowExtendedTrim() {
      return true;
    }

    @Override
    public boolean allowLenientCoercion() {
      return true; // BOOLEAN is cast to whole numbers, as 0 and 1.
    }

    @Override
    public boolean allowPluralTimeUnits() {
      return true;
    }
  }

  private static final class TypeSystem extends RelDataTypeSystemImpl {

    private static final int MAX_DIGITS = 38;

    /** Branches 'a' and 'abc' are text of any length, not padded to the longest. */
    @Override
    public boolean shouldConvertRaggedUnionTypesToVarying() {
      return true;
    }

    @Override
    public int getMaxPrecision(SqlTypeName type) {
      return type == SqlTypeName.DECIMAL ? MAX_DIGITS : super.getMaxPrecision(type);
    }

    @Override
    public int getMaxScale(SqlTypeName type) {
      return type == SqlTypeName.DECIMAL ? MAX_DIGITS : super.getMaxScale(type);
    }

    /** What a common type of numbers may have: with fewer digits it would cut a DECIMAL's. */
    @Override
    @SuppressWarnings("deprecation") // Calcite still asks for it.
    public int getMaxNumericPrecision() {
      return MAX_DIGITS;
    }

    @Override
    @SuppressWarnings("deprecation")
    public int getMaxNumericScale() {
      return MAX_DIGITS;
    }
  }

  private static final class TypeFactory extends JavaTypeFactoryImpl {

    TypeFactory() {
      super(new TypeSystem());
    }

    @Override
    public Charset getDefaultCharset() {
      return StandardCharsets.UTF_8;
    }
  }

  /**
   * The generated code, which is thread-safe; evaluators hold the row.
   *
   * @param positions of the columns that are read
   * @param width columns of the row that the code expects
   * @param narrow whether rows have only the columns that are read
   */
  private record Code(
      String sql,
      ColumnType type,
      List<Integer> positions,
      int width,
      Function1<DataContext, @Nullable Object[]> code,
      boolean narrow)
      implements CompiledExpression {

    @Override
    public int[] reads() {
      return IntStream.range(0, positions.size()).map(i -> narrow ? i : positions.get(i)).toArray();
    }

    @Override
    public RowExpression newEvaluator() {
      return new Evaluator(this);
    }

    @Override
    public CompiledExpression overReadColumns() {
      return new Code(sql, type, positions, width, code, true);
    }
  }

  private static final class Evaluator implements RowExpression, DataContext {

    private final Code expression;
    private final Function1<DataContext, @Nullable Object[]> code;
    private final int[] to;
    private final int[] from;
    private final @Nullable Object[] inputs;

    Evaluator(Code expression) {
      this.expression = expression;
      this.code = expression.code();
      this.to = expression.positions().stream().mapToInt(Integer::intValue).toArray();
      this.from = expression.reads();
      this.inputs = new Object[expression.width()];
    }

    @Override
    public ColumnType type() {
      return expression.type();
    }

    @Override
    public @Nullable Object evaluate(@Nullable Object[] row) {
      for (int i = 0; i < to.length; i++) {
        inputs[to[i]] = row[from[i]];
      }
      try {
        Object value = code.apply(this)[0];
        if (expression.type() == ColumnType.TIMESTAMP
            && value instanceof Long instant
            && !Timestamps.isInRange(instant)) {
          throw new DateTimeException("the instant is outside the years 1 to 9999");
        }
        return value;
      } catch (ClassCastException e) {
        throw e; // The row is not of the columns' types: the caller's error, not the data's.
      } catch (RuntimeException | StackOverflowError e) {
        // The second is what a regular expression throws that a long text leads too deep.
        ArithmeticException failure =
            new ArithmeticException(
                expression.sql() + ": " + Refusals.firstLine(Refusals.deepest(e)));
        failure.initCause(e);
        throw failure;
      }
    }

    /** Generated code asks for the row under the name {@code inputRecord}. */
    @Override
    public @Nullable Object get(String name) {
      return name.equals("inputRecord") ? inputs : null;
    }

    @Override
    public @Nullable SchemaPlus getRootSchema() {
      return null;
    }

    @Override
    public JavaTypeFactory getTypeFactory() {
      throw new UnsupportedOperationException("an expression has no types at run time");
    }

    @Override
    public QueryProvider getQueryProvider() {
      throw new UnsupportedOperationException("an expression has no queries");
    }
  }
}

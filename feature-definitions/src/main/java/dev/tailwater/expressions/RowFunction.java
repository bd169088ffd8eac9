package dev.tailwater.expressions;

import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.calcite.adapter.enumerable.CallImplementor;
import org.apache.calcite.adapter.enumerable.EnumUtils;
import org.apache.calcite.adapter.enumerable.NullPolicy;
import org.apache.calcite.adapter.enumerable.RexImpTable;
import org.apache.calcite.linq4j.tree.Expression;
import org.apache.calcite.linq4j.tree.Expressions;
import org.apache.calcite.rel.type.RelDataType;
import org.apache.calcite.rel.type.RelDataTypeFactory;
import org.apache.calcite.rex.RexCall;
import org.apache.calcite.schema.FunctionParameter;
import org.apache.calcite.schema.ImplementableFunction;
import org.apache.calcite.schema.ScalarFunction;
import org.apache.calcite.sql.SqlCallBinding;
import org.apache.calcite.sql.SqlIdentifier;
import org.apache.calcite.sql.SqlKind;
import org.apache.calcite.sql.SqlOperandCountRange;
import org.apache.calcite.sql.SqlOperator;
import org.apache.calcite.sql.parser.SqlParserPos;
import org.apache.calcite.sql.type.SqlOperandMetadata;
import org.apache.calcite.sql.type.SqlOperandTypeChecker;
import org.apache.calcite.sql.type.SqlReturnTypeInference;
import org.apache.calcite.sql.type.SqlTypeUtil;
import org.apache.calcite.sql.validate.SqlUserDefinedFunction;

/**
 * A SQL function whose arithmetic is a static Java method. NULL in any argument is NULL; the method
 * is not called. Methods of one name are told apart by the number of arguments and by whether the
 * first is text.
 */
final class RowFunction extends SqlUserDefinedFunction {

  /**
   * Creates a function.
   *
   * @param owner a public class, because generated code calls it
   * @param method the name of its public static methods
   */
  RowFunction(
      String name,
      Class<?> owner,
      String method,
      SqlReturnTypeInference returns,
      SqlOperandTypeChecker operands) {
    super(
        new SqlIdentifier(name, SqlParserPos.ZERO),
        SqlKind.OTHER_FUNCTION,
        returns,
        null,
        new Operands(operands),
        new Code(owner, method));
  }

  /** Any checker as the kind that a user's function must have. */
  private record Operands(SqlOperandTypeChecker checker) implements SqlOperandMetadata {

    @Override
    public List<RelDataType> paramTypes(RelDataTypeFactory types) {
      return List.of();
    }

    @Override
    public List<String> paramNames() {
      return List.of();
    }

    @Override
    public boolean isFixedParameters() {
      return false;
    }

    @Override
    public boolean checkOperandTypes(SqlCallBinding binding, boolean throwOnFailure) {
      return checker.checkOperandTypes(binding, throwOnFailure);
    }

    @Override
    public SqlOperandCountRange getOperandCountRange() {
      return checker.getOperandCountRange();
    }

    @Override
    public String getAllowedSignatures(SqlOperator operator, String name) {
      return checker.getAllowedSignatures(operator, name);
    }
  }

  /** The call of the method in generated code. */
  private record Code(Class<?> owner, String name)
      implements ScalarFunction, ImplementableFunction {

    Code {
      if (methods(owner, name).isEmpty()) {
        throw new IllegalArgumentException(owner + " has no public static method " + name);
      }
    }

    private static List<Method> methods(Class<?> owner, String name) {
      return Arrays.stream(owner.getMethods())
          .filter(method -> Modifier.isStatic(method.getModifiers()))
          .filter(method -> method.getName().equals(name))
          .toList();
    }

    @Override
    public List<FunctionParameter> getParameters() {
      return List.of();
    }

    @Override
    public RelDataType getReturnType(RelDataTypeFactory types) {
      throw new UnsupportedOperationException("The operator tells the type of " + name);
    }

    @Override
    public CallImplementor getImplementor() {
      return RexImpTable.createImplementor(
          (translator, call, operands) -> call(methodFor(call), operands),
          NullPolicy.SEMI_STRICT,
          false);
    }

    private Method methodFor(RexCall call) {
      int arity = call.getOperands().size();
      boolean text = arity > 0 && SqlTypeUtil.inCharFamily(call.getOperands().get(0).getType());
      List<Method> methods =
          methods(owner, name).stream()
              .filter(method -> method.getParameterCount() == arity)
              .toList();
      for (Method method : methods) {
        if (methods.size() == 1 || text == (method.getParameterTypes()[0] == String.class)) {
          return method;
        }
      }
      throw new IllegalStateException("no method for " + call);
    }

    private static Expression call(Method method, List<Expression> operands) {
      List<Expression> arguments = new ArrayList<>();
      for (int i = 0; i < operands.size(); i++) {
        Class<?> parameter = method.getParameterTypes()[i];
        Expression operand = operands.get(i);
        arguments.add(
            parameter == Object.class
                ? Expressions.box(operand)
                : EnumUtils.convert(operand, parameter));
      }
      return Expressions.call(method, arguments);
    }
  }
}

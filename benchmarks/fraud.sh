#!/usr/bin/env bash
# The fraud table's windowed features, Tailwater's peers side by side. Usage: benchmarks/fraud.sh --help
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
classes="$root/benchmarks/target/classes"
class_path="$root/benchmarks/target/class-path.txt"

if [[ ! -d "$classes/dev/tailwater/benchmarks" ]]; then
  echo "fraud.sh: the benchmarks are not built; run 'mvn -DskipTests install' in $root first" >&2
  exit 1
fi
if [[ ! -s "$class_path" || "$root/benchmarks/pom.xml" -nt "$class_path" ]]; then
  mvn -B -q -f "$root/pom.xml" -pl benchmarks dependency:build-classpath \
    -DincludeScope=runtime -Dmdep.outputFile="$class_path"
fi

# An argument file: the class path is longer than some systems' command lines.
arguments="$root/benchmarks/target/fraud-bench.arguments"
printf -- '-Xmx1g\n-cp\n"%s:%s"\ndev.tailwater.benchmarks.FraudBench\n' "$classes" "$(cat "$class_path")" > "$arguments"
java="java"
if [[ -n "${JAVA_HOME:-}" ]]; then
  java="$JAVA_HOME/bin/java"
fi
exec "$java" "@$arguments" "$@"

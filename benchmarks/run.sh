#!/usr/bin/env bash
# Runs a class of the benchmarks: run.sh NAME-IN-MESSAGES CLASS ARGUMENT...
set -euo pipefail

name="$1"
main="$2"
shift 2
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
class_path="$root/benchmarks/target/class-path.txt"

# A jar: classes of a folder cannot be archived.
classes="$(ls "$root"/benchmarks/target/tailwater-benchmarks-*.jar 2>/dev/null | head -n 1)" || true

if [[ -z "$classes" ]]; then
  echo "$name: the benchmarks are not built; run 'mvn -DskipTests install' in $root first" >&2
  exit 1
fi
if [[ ! -s "$class_path" || "$root/benchmarks/pom.xml" -nt "$class_path" || "$root/jobs/pom.xml" -nt "$class_path" ]]; then
  mvn -B -q -f "$root/pom.xml" -pl benchmarks dependency:build-classpath \
    -DincludeScope=runtime -Dmdep.outputFile="$class_path"
fi

# An argument file: the class path is longer than some systems' command lines.
arguments="$root/benchmarks/target/$name.arguments"
printf -- '-Xmx%s\n-cp\n"%s:%s"\n%s\n' "${HEAP:-1g}" "$classes" "$(cat "$class_path")" "$main" > "$arguments"
java="java"
if [[ -n "${JAVA_HOME:-}" ]]; then
  java="$JAVA_HOME/bin/java"
fi
exec "$java" "@$arguments" "$@"

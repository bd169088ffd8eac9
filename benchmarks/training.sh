#!/usr/bin/env bash
# The published fraud benchmark's training set from the lake, rebuilt bit for bit; and how fast sets are made. See --help.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
project="$root/benchmarks/src/main/resources/projects/fraud-handbook"
data="${TAILWATER_FRAUD_DATA:-$root/../shared/data/fraud}"
python="${PYTHON:-python3}"
all=1754155
spine=67240

if [[ "${1:-}" == --help ]]; then
  echo "usage: training.sh"
  echo "  TAILWATER_FRAUD_DATA  folder with transactions.csv.gz, truth_transformed.csv.gz and tie_rows.csv"
  echo "  PYTHON                a python3 with duckdb and confluent-kafka (pip install duckdb confluent-kafka)"
  exit 0
fi
if [[ ! -r "$data/transactions.csv.gz" ]]; then
  echo "training.sh: $data has no transactions.csv.gz; set TAILWATER_FRAUD_DATA to the folder that has it" >&2
  exit 1
fi
if ! "$python" -c 'import duckdb, confluent_kafka' 2>/dev/null; then
  echo "training.sh: $python has no duckdb or confluent_kafka; pip install them, or set PYTHON to a python3 that has them" >&2
  exit 1
fi

work="$(mktemp -d)"
up=""
stop() {
  if [[ -n "$up" ]]; then
    kill "$up" 2>/dev/null || true
    wait "$up" 2>/dev/null || true
    up=""
  fi
}
trap 'stop; rm -rf "$work"' EXIT
export TAILWATER_HOME="$work/home"

tailwater() { "$root/tailwater" "$@"; }
helper() { "$python" "$root/benchmarks/training.py" "$@"; }
say() { printf '\n== %s\n' "$*"; }

# Seconds that a command takes, as a whole process, in $seconds; its output goes to a file.
timed() {
  local start
  start="$(date +%s.%N)"
  "$@" >"$work/out" 2>"$work/err" || { cat "$work/out" "$work/err" >&2; return 1; }
  seconds="$(echo "$(date +%s.%N) - $start" | bc)"
}
results=()
result() { # WHAT ROWS SECONDS
  results+=("$(printf '%-58s %11s %8.1f %10.0f' "$1" "$2" "$3" "$(echo "$2 / $3" | bc -l)")")
}

# Archiving needs no features, but a stack needs a view: this one is over a topic where nothing comes.
mkdir "$work/archive_only"
cp "$project/transaction.avsc" "$work/archive_only/"
{
  awk '/^---/ { exit } { print }' "$project/project.yaml"
  printf -- '---\n'
  awk '/^---/ { exit } { print }' "$project/project.yaml" | sed 's/^name: .*/name: nothing/; s/^topic: .*/topic: nothing/'
  printf -- '---\nkind: entity\nname: customer\nkey: {CUSTOMER_ID: int}\n---\n'
  printf 'kind: feature-view\nname: none\nentity: customer\nfrom: nothing\nrefresh: never\nfeatures:\n  n: {count: "*", over: 1d}\n'
} >"$work/archive_only/project.yaml"

archived=0
archive_to() { # transactions
  local log="$work/up.log" servers rows
  # The process itself, not a shell around it; a job in the background ignores SIGINT, so it gets SIGTERM.
  "$root/tailwater" up "$work/archive_only" >"$log" 2>&1 &
  up=$!
  until grep -q '^Jobs:' "$log"; do
    kill -0 "$up" 2>/dev/null || { cat "$log" >&2; exit 1; }
    sleep 1
  done
  servers="$(sed -n 's/^ *Kafka *\([0-9.:]*\).*/\1/p' "$log" | head -n 1)"
  helper load "$servers" "$data/transactions.csv.gz" "$archived" "$1"
  local until_time=$((SECONDS + 600))
  while true; do
    rows="$(tailwater sql --json 'SELECT COUNT(*) AS n FROM `raw`.transactions' | sed -n 's/.*"n":\([0-9]*\).*/\1/p')"
    [[ "$rows" != "$1" ]] || break
    kill -0 "$up" 2>/dev/null || { cat "$log" >&2; exit 1; }
    ((SECONDS < until_time)) || { echo "training.sh: only $rows of $1 transactions are archived after 600 s; see $log" >&2; exit 1; }
  done
  archived="$1"
  stop
}

set_of() { # NAME SPINE-FILE: a training set of both views, history from the lake
  timed tailwater training-set "$project" --views customer_spend,terminal_risk --spine "$2" --out "$work/$1.parquet"
}

say "growth with the length of history: the newest $spine transactions as the spine; load average $(cut -d' ' -f1-3 /proc/loadavg)"
for part in 4 2 1; do
  history=$((all / part))
  archive_to "$history"
  helper spine "$data/transactions.csv.gz" "$history" "$spine" "$work/spine-$part.parquet"
  set_of "growth-$part" "$work/spine-$part.parquet"
  result "training-set, history of $history transactions" "$spine" "$seconds"
done
# From here on nothing but the lake remembers.
rm -rf "$TAILWATER_HOME/stack/kafka"

say "the published benchmark's training set, from the lake"
columns="t.TRANSACTION_ID, t._event_time AS event_time, t.CUSTOMER_ID, t.TERMINAL_ID, t.TX_AMOUNT, t.TX_FRAUD"
# Days from 2018-04-01: 115 is 2018-07-25, 121 is 07-31, 129 is 08-08, 135 is 08-14.
train="SELECT $columns FROM streams.transactions AS t WHERE t.TX_TIME_DAYS BETWEEN 115 AND 121"
test="SELECT $columns FROM streams.transactions AS t
  LEFT JOIN (SELECT CUSTOMER_ID, MIN(TX_TIME_DAYS) AS first_day FROM streams.transactions
             WHERE TX_FRAUD = 1 AND TX_TIME_DAYS >= 115 GROUP BY CUSTOMER_ID) AS f ON f.CUSTOMER_ID = t.CUSTOMER_ID
  WHERE t.TX_TIME_DAYS BETWEEN 129 AND 135 AND (f.first_day IS NULL OR f.first_day > t.TX_TIME_DAYS - 8)"
for name in train test; do
  timed tailwater training-set "$project" --views customer_spend,terminal_risk --spine-sql "${!name}" \
    --out "$work/$name.parquet" --out-table "fraud_$name" --tag published --label TX_FRAUD
  cat "$work/out"
  found="$(helper published "$work/$name.parquet" "$data")" || { echo "$found"; exit 1; }
  echo "$found"
  expected="67,240 rows, 598 frauds"
  [[ $name == train ]] || expected="58,264 rows, 385 frauds"
  [[ "$found" == "$expected;"* ]] || { echo "training.sh: the $name set should have $expected" >&2; exit 1; }
  rows="$(sed -n 's/^\([0-9,]*\) rows.*/\1/p' <<<"$found" | tr -d ,)"
  result "training-set --spine-sql, $name set into a table" "$rows" "$seconds"
  timed tailwater training-set "$project" --rebuild "fraud_$name@published"
  cat "$work/out"
  result "training-set --rebuild, $name set" "$rows" "$seconds"
done

say "against DuckDB $("$python" -c 'import duckdb; print(duckdb.__version__)'), over the lake's Parquet files; load average $(cut -d' ' -f1-3 /proc/loadavg)"
helper spine "$data/transactions.csv.gz" "$all" "$all" "$work/spine-all.parquet"
set_of all "$work/spine-all.parquet"
result "training-set, every transaction as the spine" "$all" "$seconds"
helper published "$work/all.parquet" "$data"
raw="$(find "$TAILWATER_HOME/stack/lake" -type d -path '*raw/transactions/data' | head -n 1)/**/*.parquet"
for rows in "$spine" "$all"; do
  timed helper peer "$raw" "$work/duckdb-$rows.parquet" $((all - rows)) $((all - 1))
  read -r inner reading <"$work/out"
  result "DuckDB, whole process (of it reading $reading s, all $inner s)" "$rows" "$seconds"
done
helper equal "$work/all.parquet" "$work/duckdb-$all.parquet"
helper equal "$work/growth-1.parquet" "$work/duckdb-$spine.parquet"

say "results: whole processes; load average $(cut -d' ' -f1-3 /proc/loadavg)"
printf '%-58s %11s %8s %10s\n' what rows seconds rows/s
printf '%s\n' "${results[@]}"

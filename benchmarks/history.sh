#!/usr/bin/env bash
# History: what is archived, and read back from lake and log, per second. Usage: benchmarks/history.sh --help
set -euo pipefail

HEAP="${HEAP:-3g}" exec "$(dirname "${BASH_SOURCE[0]}")/run.sh" history.sh dev.tailwater.benchmarks.HistoryBench "$@"

#!/usr/bin/env bash
# Are both stores what a replay computes, after killed TaskManagers? Usage: benchmarks/parity.sh --help
set -euo pipefail

HEAP="${HEAP:-5g}" exec "$(dirname "${BASH_SOURCE[0]}")/run.sh" parity.sh dev.tailwater.benchmarks.ParityBench "$@"

#!/usr/bin/env bash
# The live path: a backlog's throughput, then latency at a steady pace. Usage: benchmarks/live.sh --help
set -euo pipefail

exec "$(dirname "${BASH_SOURCE[0]}")/run.sh" live.sh dev.tailwater.benchmarks.LiveBench "$@"

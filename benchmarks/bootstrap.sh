#!/usr/bin/env bash
# A changed view is bootstrapped while transactions arrive. Usage: benchmarks/bootstrap.sh --help
set -euo pipefail

exec "$(dirname "${BASH_SOURCE[0]}")/run.sh" bootstrap.sh dev.tailwater.benchmarks.BootstrapBench "$@"

#!/usr/bin/env bash
# The fraud table's windowed features: Tailwater, the floor, and its peers side by side. Usage: benchmarks/fraud.sh --help
set -euo pipefail

exec "$(dirname "${BASH_SOURCE[0]}")/run.sh" fraud.sh dev.tailwater.benchmarks.FraudBench "$@"

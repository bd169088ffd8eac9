#!/usr/bin/env bash
# State: backends, a hot key, checkpoints and restores of many keys. Usage: benchmarks/state.sh --help
set -euo pipefail

HEAP="${HEAP:-8g}" exec "$(dirname "${BASH_SOURCE[0]}")/run.sh" state.sh dev.tailwater.benchmarks.StateBench "$@"

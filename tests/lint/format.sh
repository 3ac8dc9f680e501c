#!/bin/bash
# Every C file is as clang-format leaves it: format.sh [ROOT]   (make them so: clang-format -i FILE)
set -euo pipefail
cd "${1:-$(dirname "$0")/../..}"
find . \( -name '*.c' -o -name '*.h' \) -not -path './build*' -print0 |
    xargs -0 clang-format --dry-run -Werror

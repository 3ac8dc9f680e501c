#!/bin/bash
# All lints, the cheap ones first; each one runs, whatever the others found. QUICK=1 leaves out tidy.
set -euo pipefail
cd "$(dirname "$0")"
failed=()
for lint in selftest.py rooms.py banned.py format.sh headers.sh ${QUICK:-tidy.sh}; do
    [ "$lint" != 1 ] || continue
    echo "lint: ${lint%.*}"
    ./"$lint" "$(cd ../.. && pwd)" || failed+=("${lint%.*}")
done
if [ ${#failed[@]} -gt 0 ]; then
    echo "lint failed: ${failed[*]}" >&2
    exit 1
fi

#!/bin/bash
# Every header compiles alone, with gcc and clang, and says in front what it is: headers.sh [ROOT]
set -euo pipefail
cd "${1:-$(dirname "$0")/../..}"
failed=0

mapfile -t headers < <(find . -name '*.h' -not -path './build*' -printf '%P\n' | LC_ALL=C sort)
packages=(libcrypto libzstd libarchive json-c yaml-0.1)
read -ra flags <<<"$(pkg-config --cflags "${packages[@]}") -std=c11 -D_GNU_SOURCE -I."

for header in "${headers[@]}"; do
    guard=$(tr 'a-z/.-' 'A-Z___' <<<"$header")
    if ! grep -qx "#ifndef $guard" "$header" || ! grep -qx "#define $guard" "$header"; then
        echo "$header: the guard must be $guard"
        failed=1
    fi
    if [ "$(head -c 2 "$header")" != '/*' ]; then
        echo "$header: must begin with the comment that says what it is for"
        failed=1
    fi
    for compiler in gcc clang; do
        # Through an empty file: a header given itself would warn about its own pragmas.
        if ! printf '#include "%s"\nextern int alone;\n' "$header" |
            "$compiler" "${flags[@]}" -Wall -Wextra -Werror -fsyntax-only -x c -; then
            echo "$header: does not compile alone with $compiler"
            failed=1
        fi
    done
done
exit $failed

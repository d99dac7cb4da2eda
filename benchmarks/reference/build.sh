#!/usr/bin/env bash
#
# Builds the C references: nop, file, append, small_files, echo_uring, echo_epoll, echo_load, echo_load_uring,
# echo_open, udp_mmsg and udp_flood.
#
#   build.sh [OUTDIR]        OUTDIR defaults to benchmarks/target/reference
#
# With the liburing that native-bindings/jextract/fetch-headers.sh unpacked, where there is one, and
# else with the system's liburing-dev (2.3 or newer); linked with liburing.a where there is one.
# CC names the compiler.
set -euo pipefail

fail() { echo "build.sh: $*" >&2; exit 1; }

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=${1:-$here/../target/reference}
cc=${CC:-gcc}
command -v "$cc" >/dev/null || fail "$cc is missing: apt-get install gcc libc6-dev liburing-dev"

flags=(-std=gnu17 -O2 -g -Wall -Wextra)
unpacked=$here/../../native-bindings/target/liburing-headers/usr
triplet=$("$cc" -print-multiarch 2>/dev/null || true)

# compiles HEADER: whether the compiler finds it.
compiles() { echo "#include <$1>" | "$cc" "${flags[@]}" -E -o /dev/null - 2>/dev/null; }

compiles stdio.h || fail "the C library's headers are missing: apt-get install libc6-dev"
if [[ -f $unpacked/lib/$triplet/liburing.a ]]; then
  flags+=(-isystem "$unpacked/include" -isystem "$unpacked/include/$triplet")
  archive=$unpacked/lib/$triplet/liburing.a
elif compiles liburing.h; then
  archive=$("$cc" -print-file-name=liburing.a) # the bare name when there is none
  [[ -f $archive ]] || archive=-luring
else
  fail "liburing's headers are missing: apt-get install liburing-dev"
fi

mkdir -p "$out"
for program in nop file append small_files echo_uring echo_load_uring echo_open; do
  "$cc" "${flags[@]}" -o "$out/$program" "$here/$program.c" "$archive"
done
for program in echo_epoll echo_load udp_mmsg udp_flood; do
  "$cc" "${flags[@]}" -o "$out/$program" "$here/$program.c"
done

#!/usr/bin/env bash
#
# Generates io.gyre.bindings.Liburing, Libc and their structs with jextract.
#
#   generate.sh                    in place: src/main/generated is replaced
#   generate.sh DIR                into DIR, which must be empty or not exist
#   generate.sh --check            fails, with the difference, if src/main/generated is not what jextract says
#   generate.sh --check-aarch64    fails, with the difference, if it would differ when generated for aarch64
#
# Needs jextract on PATH (its source is openjdk/jextract; JDK 25, libclang 14 or newer). The headers come from
# fetch-headers.sh and are fetched when missing; GYRE_HEADERS=DIR uses the ones that it left in DIR.
set -euo pipefail

fail() { echo "generate: $*" >&2; exit 1; }

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
module=$(dirname "$here")
committed=$module/src/main/generated

cpu=$(uname -m)
headers=${GYRE_HEADERS:-$module/target/liburing-headers}

# generate DIR: a run for $cpu with $headers.
generate() {
  local out=$1 work inc="$headers/usr/include" libc="$headers/libc/usr/include"
  work=$(mktemp -d)
  # jextract reads clang's options from a file of this name where it runs; it has no other way to a target.
  echo "--target=$cpu-linux-gnu" >"$work/compile_flags.txt"
  run liburing Liburing
  run libc Libc
  rm -rf "$work"
}

# run STEM CLASS: what jextract skips it says on stderr; only a failure makes that worth showing. Warnings
# about headers go to stderr as well and harm nothing: what is not in the includes is not generated.
run() {
  (cd "$work" && jextract --output "$out" -t io.gyre.bindings --header-class-name "$2" \
    -I "$inc" -I "$inc/$cpu-linux-gnu" -I "$libc" -I "$libc/$cpu-linux-gnu" \
    "@$here/$1.includes" "$here/$1_gyre.h") >"$work/log" 2>&1 || { cat "$work/log" >&2; fail "jextract failed on $1_gyre.h"; }
  # A name that the headers lack is silently left out by jextract; a committed list must not rot like that.
  local kind name missing=
  while read -r kind name; do
    case $kind in
      --include-struct) [[ -f $out/io/gyre/bindings/$name.java ]] || missing+=" $name" ;;
      --include-*) grep -qE "\b$name\(" "$out/io/gyre/bindings/$2"*.java || grep -qE "class $name\b" "$out/io/gyre/bindings/$2"*.java || missing+=" $name" ;;
    esac
  done <"$here/$1.includes"
  [[ -z $missing ]] || fail "$1.includes names what jextract did not find in $1_gyre.h:$missing"
}

# compare DIR SENTENCE
compare() {
  local difference
  if ! difference=$(diff -ru "$committed" "$1"); then
    head -n 200 <<<"$difference" >&2
    fail "$2"
  fi
}

command -v jextract >/dev/null \
  || fail "jextract is not on PATH: build it from the openjdk/jextract repository (JDK 25, libclang 14 or newer)"

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

case ${1:-} in
  --check)
    "$here/fetch-headers.sh" "$headers"
    generate "$scratch/out"
    compare "$scratch/out" "src/main/generated is not what jextract makes of these headers and includes; run native-bindings/jextract/generate.sh"
    echo "generate: src/main/generated is up to date"
    ;;
  --check-aarch64)
    cpu=aarch64
    headers=$module/target/liburing-headers-arm64
    GYRE_APT_ARCH=arm64 "$here/fetch-headers.sh" "$headers"
    generate "$scratch/out"
    compare "$scratch/out" "the bindings differ on aarch64: take what differs out of the includes and into Platform.java"
    echo "generate: the bindings are the same on aarch64"
    ;;
  -*) fail "unknown option $1" ;;
  *)
    out=${1:-$committed}
    if [[ $# -gt 0 && -e $out && -n $(ls -A "$out") ]]; then fail "$out is not empty"; fi
    "$here/fetch-headers.sh" "$headers"
    generate "$scratch/out"
    mkdir -p "$(dirname "$out")"
    rm -rf "$out"
    cp -r "$scratch/out" "$out"
    echo "generate: $(find "$out" -name '*.java' | wc -l) files in $out"
    ;;
esac

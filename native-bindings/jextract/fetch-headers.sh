#!/usr/bin/env bash
#
# Fetches Debian sid's liburing-dev, liburing2, linux-libc-dev and libc6-dev and unpacks them into DEST, so
# that the bindings are generated from, and the tests and the C reference programs are built with, one known
# set of headers whatever the machine has installed.
#
#   fetch-headers.sh [DEST]        DEST defaults to native-bindings/target/liburing-headers
#
# Leaves in DEST:
#   usr/include                    liburing.h, liburing/*.h, linux/*.h, asm-generic/*.h
#   usr/include/<triplet>          asm/*.h
#   usr/lib/<triplet>              liburing.a, liburing.so, liburing.so.2
#   libc/usr/include[/<triplet>]   the C library's headers. Apart from the others because a program that is
#                                  to be linked with this machine's C library must not see newer headers
#   PACKAGES                       "name version" of each package unpacked, one a line
#
# apt-get runs with a sources list and a state folder of its own: the machine's apt configuration, package
# lists and installed packages are only read. No root needed. Does nothing when DEST is complete.
# GYRE_APT_ARCH=arm64 fetches another CPU's packages (to compare their layouts); default: this machine's.
set -euo pipefail

fail() { echo "fetch-headers: $*" >&2; exit 1; }

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
dest=${1:-$(dirname "$here")/target/liburing-headers}
packages="liburing-dev liburing2 linux-libc-dev libc6-dev"
suite=sid

complete() {
  [[ -s $dest/PACKAGES && -f $dest/usr/include/liburing.h && -f $dest/usr/include/linux/io_uring.h \
    && -f $dest/libc/usr/include/stdio.h ]] \
    && compgen -G "$dest/usr/lib/*/liburing.a" >/dev/null
}
if complete; then exit 0; fi

for tool in apt-get dpkg dpkg-deb; do
  command -v $tool >/dev/null || fail "$tool is missing: this script needs a Debian-based machine"
done
arch=${GYRE_APT_ARCH:-$(dpkg --print-architecture)}

# The first mirror this machine already uses whose URI ends in /debian (either format of sources file).
shopt -s nullglob
uri=$(cat /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list /etc/apt/sources.list 2>/dev/null \
  | grep -E '^[[:space:]]*(deb[[:space:]]|URIs:)' \
  | grep -oE '[a-z+]+:[^[:space:]]+/debian/?([[:space:]]|$)' | head -n 1 | tr -d '[:space:]' || true)
[[ -n $uri ]] || fail "no source under /etc/apt has a URI that ends in /debian, so there is no mirror to ask"

# A keyring that can verify the suite: apt's own trust, or Debian's archive keyring.
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
signed_by=
[[ -r $keyring ]] && signed_by="signed-by=$keyring"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work" # apt's download user must be able to enter it when we are root
mkdir -p "$work"/{state/lists/partial,cache/archives/partial,parts,debs}
touch "$work/status"
echo "deb [arch=$arch $signed_by] $uri $suite main" >"$work/sources.list"

apt=(apt-get -qq
  -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts="$work/parts"
  -o Dir::State="$work/state" -o Dir::State::status="$work/status" -o Dir::Cache="$work/cache"
  -o APT::Architecture="$arch" -o APT::Architectures="$arch" -o APT::Sandbox::User=
  -o Acquire::Languages=none -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false)
# An unreachable mirror is only a warning to apt-get update.
{ "${apt[@]}" update >"$work/log" 2>&1 && ! grep -qE '^[EW]: Failed' "$work/log"; } \
  || fail "apt-get update of $suite failed: $(grep -m 1 '^[EW]:' "$work/log" || tail -n 1 "$work/log")"
(cd "$work/debs" && "${apt[@]}" download $packages) >"$work/log" 2>&1 \
  || fail "apt-get download of $packages failed: $(grep -m 1 '^[EW]:' "$work/log" || tail -n 1 "$work/log")"

# Unpacked beside DEST and renamed, so that an interrupted run never leaves half a DEST.
{ mkdir -p "$(dirname "$dest")" && new=$(mktemp -d "$(dirname "$dest")/.headers.XXXXXX"); } 2>/dev/null \
  || fail "$(dirname "$dest") cannot be written"
trap 'rm -rf "$work" "$new"' EXIT
for deb in "$work"/debs/*.deb; do
  root=$new
  case $(basename "$deb") in libc6-dev_*) root=$new/libc && mkdir "$root" ;; esac
  dpkg-deb -x "$deb" "$root" || fail "$(basename "$deb") cannot be unpacked"
  dpkg-deb -W --showformat='${Package} ${Version}\n' "$deb" >>"$new/PACKAGES"
done
rm -rf "${new:?}/usr/share" "${new:?}/libc/usr/share" "${new:?}/libc/usr/lib"
chmod 755 "$new"
rm -rf "$dest"
mv "$new" "$dest"
complete || fail "the packages lack liburing.h, linux/io_uring.h, stdio.h or liburing.a: see $dest"
echo "fetch-headers: $(paste -sd ';' "$dest/PACKAGES") in $dest"

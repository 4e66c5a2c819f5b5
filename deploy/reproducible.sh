#!/usr/bin/env bash
# Builds the package twice, in two folders and with two caches, and compares every byte. `make
# reproducible` calls it.
#
#   NFPM=path/of/nfpm deploy/reproducible.sh amd64
set -euo pipefail
[ $# = 1 ] || { echo "usage: reproducible.sh ARCH" >&2; exit 64; }
arch=$1
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(deploy/version.sh time)} VERSION=0.0.0

# What is committed or would be, and nothing that lies around.
for folder in one another-folder-with-a-longer-name; do
	mkdir "$work/$folder"
	comm -z -23 <(git ls-files -z --cached --others --exclude-standard | sort -zu) <(git ls-files -z --deleted | sort -zu) |
		tar --create --null --files-from=- | tar --extract --directory="$work/$folder"
done
"$work/one/deploy/package.sh" "$arch" "$work/first" >/dev/null
# With nothing compiled before, at another hour, in another zone and under another user's mask.
(umask 077 && TZ=Asia/Tokyo GOCACHE=$work/cache "$work/another-folder-with-a-longer-name/deploy/package.sh" "$arch" "$work/second" >/dev/null)

for file in "$work"/first/*; do
	cmp "$file" "$work/second/${file##*/}" || {
		echo "reproducible.sh: two builds of the same sources differ; in the package:" >&2
		for side in first second; do dpkg-deb --extract "$work/$side/"*.deb "$work/$side.tree"; done
		diff --recursive --brief "$work/first.tree" "$work/second.tree" >&2 || true
		exit 1
	}
	sha256sum "$file" | sed "s|$work/first/||"
done

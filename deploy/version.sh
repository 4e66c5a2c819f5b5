#!/usr/bin/env bash
# Prints which version the sources are. The Makefile and deploy/package.sh call it.
#
#   deploy/version.sh                  0.1.0 at the tag v0.1.0, 0.1.0-3-gabcdef0 behind it. Without a tag what the file VERSION
#                                      says, then the number of commits and the commit: 0.1.0-dev.1734.gabcdef0. -dirty is
#                                      added to what is not committed. Without git it is VERSION alone: 0.1.0-dev
#   deploy/version.sh debian VERSION   the same as Debian orders versions: 0.1.0~dev.1734.gabcdef0
#   deploy/version.sh time             when the sources changed last, in seconds: SOURCE_DATE_EPOCH of their package
set -euo pipefail
cd "$(dirname "$0")/.."

# A tarball may lie inside the repository of something else.
ours() { [ "$(git rev-parse --show-cdup 2>/dev/null || echo none)" = "" ]; }

number() {
	ours || { cat VERSION && return; }
	local tagged commits
	tagged=$(git describe --tags --match 'v[0-9]*' --dirty 2>/dev/null) && echo "${tagged#v}" && return
	commits=$(git rev-list --count HEAD)
	# A shallow clone does not know the number. Its versions come before those of whole clones, by the time of their commit.
	[ "$(git rev-parse --is-shallow-repository)" = false ] || commits=0.$(git log -1 --format=%ct)
	printf '%s.%s.g%s\n' "$(cat VERSION)" "$commits" "$(git describe --always --exclude '*' --dirty)"
}

# 0.1.0~dev.1 and 0.1.0~rc1 come before 0.1.0, and 0.1.0+3.gabcdef0 comes after it. What is no version comes before everything.
debian() {
	local version
	version=$(sed -E 's/^v//; s/-(dev|rc|alpha|beta|pre)/~\1/; s/-([0-9]+)-g/+\1.g/; s/-dirty$/+dirty/' <<<"$1")
	[[ $version =~ ^[0-9]+\. ]] || version="0~$version"
	echo "${version//-/.}"
}

# Files of a tarball that git made have the time of the commit.
changed() {
	if ours; then git log -1 --format=%ct; else stat --format=%Y VERSION; fi
}

case ${1-} in
'') number ;;
debian) debian "${2:?the version to write as Debian does}" ;;
time) changed ;;
*) echo "usage: version.sh [debian VERSION | time]" >&2 && exit 64 ;;
esac

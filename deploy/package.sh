#!/usr/bin/env bash
# Builds sluice for ARCH (amd64, arm64) and packs it: OUT/sluice_VERSION_ARCH.deb, and beside it the list
# of what is inside as OUT/sluice_VERSION_ARCH.cdx.json. `make deb` calls it.
#
#   NFPM=path/of/nfpm VERSION=1.2.3 deploy/package.sh amd64 dist
#
# The same sources and SOURCE_DATE_EPOCH (the time of the last commit, when it is not given) make the same
# bytes: nothing of the machine, the folder or the hour goes in.
set -euo pipefail
[ $# = 2 ] || { echo "usage: package.sh ARCH OUT" >&2; exit 64; }
arch=$1 out=$(mkdir -p "$2" && cd "$2" && pwd)
cd "$(dirname "$0")/.."

: "${NFPM:?the path of nfpm: make deb sets it}"
: "${VERSION:?the version to build: make deb sets it}"
epoch=${SOURCE_DATE_EPOCH:-$(deploy/version.sh time)}
export SOURCE_DATE_EPOCH=$epoch TZ=UTC LC_ALL=C
umask 022

version=$(deploy/version.sh debian "$VERSION")

host=$(go env GOHOSTARCH)
case $arch in
"$host") cc=${CC:-gcc} objdump=objdump ;;
arm64) cc=aarch64-linux-gnu-gcc objdump=aarch64-linux-gnu-objdump ;;
amd64) cc=x86_64-linux-gnu-gcc objdump=x86_64-linux-gnu-objdump ;;
*) echo "package.sh: no librdkafka comes for $arch" >&2; exit 64 ;;
esac
command -v "$cc" >/dev/null || {
	echo "package.sh: $arch needs $cc: install Debian's gcc-${cc%-gcc} and its libc6-dev-$arch-cross" >&2
	exit 69
}

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT

# build ARCH CC FILE
build() {
	CGO_ENABLED=1 GOOS=linux GOARCH=$1 CC=$2 go build -buildvcs=false -trimpath -buildmode=pie \
		-ldflags "-bindnow -buildid= -X main.version=$version" -o "$3" ./cmd/sluice
}
build "$arch" "$cc" "$stage/sluice"
native=$stage/sluice
if [ "$arch" != "$host" ]; then
	native=$stage/native # whom the man page and the completions are asked of
	build "$host" "${CC:-gcc}" "$native"
fi

LIBC=$($objdump -T "$stage/sluice" | grep -o 'GLIBC_[0-9.]*' | sort -uV | tail -n 1 | sed 's/GLIBC_//')
go run ./deploy/manual "$native" "$stage" "$(date -d "@$epoch" +%F)"
go run ./deploy/sbom "$stage/sluice" "$version" "$(date -d "@$epoch" +%FT%TZ)" >"$stage/sbom.cdx.json"
gzip -9n "$stage/sluice.1"
gzip -9nc CHANGELOG.md >"$stage/changelog.gz"
cp deploy/sluice.yaml deploy/sysusers.conf deploy/tmpfiles.conf "$stage"
{ printf 'sluice is\n\n' && cat LICENSE && printf '\n\nlibrdkafka and what it brings along are\n\n' &&
	cat "$(go list -m -f '{{.Dir}}' github.com/confluentinc/confluent-kafka-go/v2)/kafka/librdkafka_vendor/LICENSES.txt"; } >"$stage/copyright"
go run ./deploy/documents . "$stage/documents"
mkdir "$stage/units" "$stage/examples"
cp systemd/*.service systemd/*.socket "$stage/units"
mv "$stage/documents/docs/sluice.yaml" "$stage/examples"
for folder in prometheus grafana; do
	[ ! -d deploy/$folder ] || find deploy/$folder -type f ! -name '*_test.*' -exec cp {} "$stage/examples" \;
done
chmod -R u=rwX,go=rX "$stage"
find "$stage" -exec touch -h -d "@$epoch" {} +

export STAGE=$stage ARCH=$arch DEB_VERSION=$version LIBC
"$NFPM" package --config deploy/nfpm.yaml --packager deb --target "$out/sluice_${version}_$arch.deb" >/dev/null
cp "$stage/sbom.cdx.json" "$out/sluice_${version}_$arch.cdx.json"
echo "$out/sluice_${version}_$arch.deb"

// Package image builds the container image of deploy/Dockerfile, and runs it as a container runtime does: as its user, in
// its root, as the first process.
//
// The tests need root, and stand behind the build tag `image`: `make test-image` runs them. No registry of images is asked:
// the tests make the two images that the Dockerfile begins with, from Debian's packages and this machine's Go. A machine
// that cannot do that skips them and says why.
package image

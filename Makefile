# The tools' versions: here and nowhere else. Libraries are in go.mod, Apache Kafka in
# test/kafka/pom.xml, what the client tests fetch in test/clients.
GOLANGCI_LINT_VERSION := v2.15.0
NFPM_VERSION := v2.43.4

VERSION  ?= $(shell deploy/version.sh)
FUZZTIME ?= 5s
FAULTTIME ?= 5s
TESTTIME ?= 15m

TOOLS := $(CURDIR)/.tools
LINT  := $(TOOLS)/golangci-lint-$(GOLANGCI_LINT_VERSION)
NFPM  := $(TOOLS)/nfpm-$(NFPM_VERSION)

# The packages with fuzz targets.
FUZZED = $(shell grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n 1 dirname | sort -u)

ARCH ?= $(shell go env GOHOSTARCH)
DIST ?= dist

# A Go that was unpacked where its own instructions say is found also by who has not logged in since.
export PATH := $(PATH):/usr/local/go/bin

# The version is set here, and a checkout that belongs to another user must build too.
export GOFLAGS += -buildvcs=false

# What runs go test: it names what failed and what was skipped, and the ten slowest tests.
SUITE := go run ./test/suite

.PHONY: build compiled run test test-all test-tags test-kafka test-systemd test-image openapi-check test-generated test-clients test-browser fuzz check-faults check-faults-long bench bench-tags bench-smoke picture lint fmt deb reproducible clean

# The program, at bin/sluice: position-independent, with all of its addresses resolved and read-only before it begins.
build:
	go build -trimpath -buildmode=pie -ldflags "-bindnow -X main.version=$(VERSION)" -o bin/sluice ./cmd/sluice

# What other targets compile first, with the race detector and for fuzzing, and their tools.
compiled: $(LINT) $(NFPM)
	go list -race -test -deps -export ./... >/dev/null
	for dir in $(FUZZED); do go test -c -fuzz . -o /dev/null $$dir || exit; done

# sluice with a Kafka broker inside, nothing else to install.
run: build
	bin/sluice serve --embedded

# A simulation of one goroutine, which has nothing for the race detector and takes twenty times as long with it.
ALONE := /kafka/budget

# The whole test suite, with the race detector. As root it installs what is missing, unless INSTALL=no; for others it runs
# what it can, and says at its end what it could not. With CI=true whatever is missing is a failure. What needs no rights
# on the machine (packages of pip and npm) the tests fetch themselves. The cache knows nothing of the binary that is tested.
test:
	@test/needs offer suite
	$(SUITE) -race -tags redis,clients -count=1 -timeout $(TESTTIME) $$(go list ./... | grep -v '$(ALONE)$$')
	$(SUITE) -count=1 -timeout $(TESTTIME) .$(ALONE)
	@test/needs report suite

# What the build tags of kafka/librdkafka and server/resp leave out of make test: each way into C, and into the kernel.
# The packages that choose are tested; TAGGED=./... tries everything with the tags.
TAGGED ?= ./kafka/librdkafka ./kafka/reader ./server/resp/...
test-tags:
	go vet -tags plaincgo,plainruntime ./...
	$(SUITE) -tags plaincgo -count=1 -timeout $(TESTTIME) $(filter-out ./server/resp/...,$(TAGGED))
	$(SUITE) -tags plainruntime -count=1 -timeout $(TESTTIME) $(TAGGED)

# All that there is to check, with what takes longer than .ci/run may.
test-all:
	.ci/run
	$(MAKE) test-generated
	$(MAKE) test-clients
	$(MAKE) test-image
	$(MAKE) check-faults-long

# What needs a real Apache Kafka: the same conversations, groups of two proxies, brokers that go away. Tests of packages
# that have others too are told apart by Kafka in their name. Most of them wait for brokers: many go on at a time. Those
# that wait longest, for brokers that are away, go on beside all others.
test-kafka:
	@test/needs install kafka
	@$(SUITE) -tags kafka -count=1 -timeout $(TESTTIME) -run TestBrokersAway ./test/operations & away=$$!; status=0; set -x; \
	$(SUITE) -tags kafka -count=1 -timeout $(TESTTIME) -p 2 -run 'Kafka|TestAScrapeIsCheap' \
		./test/operations ./test/harness ./test/conversations/... || status=1; \
	$(SUITE) -tags kafka -count=1 -timeout $(TESTTIME) -parallel 3 -skip WithoutRebalance ./test/kafka || status=1; \
	wait $$away && exit $$status

# The package in containers that boot a systemd of their own: start, reload, watchdog, restarts under
# load, upgrade, purge. Needs root; skips, and says why, where no container can be booted.
test-systemd:
	@test/needs offer systemd
	$(SUITE) -v -tags systemd -count=1 -timeout $(TESTTIME) ./test/systemd

# The container image, built of deploy/Dockerfile and run; a few minutes. Needs root; skips, and says why, where no image
# can be built. No registry of images is asked: the two images that it begins with are made of Debian's packages.
test-image:
	@test/needs offer image
	$(SUITE) -v -tags image -count=1 -timeout 40m ./test/image

# The HTTP door asked by schemathesis, from its own document; about two minutes. Fetches what it needs of Python;
# skips, and says why, where that cannot be had. OPENAPI_SEED=2 asks other questions, OPENAPI_TIME=600 for so many
# seconds.
openapi-check:
	@test/needs offer python
	$(SUITE) -v -tags openapi -count=1 -timeout $(TESTTIME) -run 'TheDocument|AsDescribed' ./test/clients

# Clients that generators make of the door's document, each built in its language and tried; a few minutes. Fetches what
# it needs of npm, pip, Maven and Cargo; skips, and says why, where that cannot be had.
test-generated:
	@test/needs offer generated
	$(SUITE) -v -tags generated -count=1 -timeout $(TESTTIME) -run Generated ./test/clients

# Every client of Redis, from its own registry, in its current and older majors: they connect, produce, consume, share a
# pool, and meet a restart; about ten minutes. A whole run writes the table of docs/clients.md. Fetches what it needs of
# pip, npm, Maven, Cargo and Go; skips, and says why, where that cannot be had.
test-clients:
	@test/needs offer suite matrix
	$(SUITE) -v -tags matrix -count=1 -timeout 60m -parallel 4 ./test/clients/...

# The HTTP door in a headless Chromium: its page, and streams of records; skips, and says so, without one.
test-browser:
	@test/needs offer browser || echo "there is no chromium to be had"
	$(SUITE) -v -tags browser -count=1 -timeout $(TESTTIME) -run 'ThePage|EventSource' ./test/clients

# Every fuzz target for FUZZTIME, each package built once. Now and then an input still runs when the time is over, which
# is called a failure: only a written input is one.
fuzz:
	@set -e; built=$$(mktemp -d); trap 'rm -rf $$built' EXIT; cache=$$(go env GOCACHE)/fuzz/$$(go list -m); \
	for dir in $(FUZZED); do \
		go test -c -fuzz . -o $$built/test $$dir; \
		for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9]*\)(.*/\1/p' $$dir/*_test.go); do \
			echo "fuzz $$dir $$target $(FUZZTIME)"; \
			(cd $$dir && $$built/test -test.run '^$$' -test.fuzz "^$$target$$" -test.fuzztime $(FUZZTIME) \
				-test.fuzzcachedir $$cache/$$dir) >$$built/said 2>&1 || \
				{ grep -q 'context deadline exceeded' $$built/said && ! grep -q 'Failing input' $$built/said && \
					echo 'ok: the time was over while an input ran' >$$built/said; } || \
				{ cat $$built/said; exit 1; }; \
			tail -n 2 $$built/said | head -n 1; \
		done; \
	done

# The truth checker: faults under load on a real Apache Kafka, nothing lost, and builds that are wrong
# on purpose, which it must catch; needs java and mvn. FAULTTIME is how long each fault is played.
check-faults:
	@test/needs install kafka
	go run ./test/checker -duration $(FAULTTIME)

# Faults that outlast sessions and time-outs, and the memory that compressed batches take; about a quarter of an hour.
check-faults-long:
	go run ./test/checker -long
	go run ./test/checker -memory
	go run ./test/checker -topics
	go run ./test/checker -deploys

# Side by side with redis-server and the plain Kafka binding; writes docs/benchmarks.md.
bench: build
	go run ./test/bench

# What the build tags of kafka/librdkafka and server/resp are worth: a build with each, and one without, in turn; prints a table.
bench-tags:
	for tags in default plaincgo plainruntime; do \
		go build -trimpath -buildmode=pie -ldflags -bindnow -tags $$tags -o bin/sluice-$$tags ./cmd/sluice || exit; done
	go run ./test/bench -rounds 11 -compare bin/sluice-plaincgo,bin/sluice-default,bin/sluice-plainruntime

# The benchmarks for a moment, to see that they run; their figures mean nothing.
bench-smoke: build
	go run ./test/bench -smoke

# The picture in README.md and ARCHITECTURE.md, of its text.
picture:
	go run ./docs/picture docs/architecture.txt docs/architecture.svg

# The Debian package for ARCH, in DIST, and the list of what is inside.
deb: $(NFPM)
	@NFPM=$(NFPM) VERSION=$(VERSION) deploy/package.sh $(ARCH) $(DIST)

# The package built twice, byte by byte the same.
reproducible: $(NFPM)
	NFPM=$(NFPM) deploy/reproducible.sh $(ARCH)

lint: $(LINT)
	$(LINT) run ./...
	$(LINT) run --build-tags plaincgo,plainruntime ./kafka/librdkafka ./server/resp/conn
	$(LINT) run --build-tags kafka,systemd,image,redis,clients,openapi,generated,browser,matrix ./test/...

# Format as the linter wants it.
fmt: $(LINT)
	$(LINT) fmt ./...

$(LINT):
	GOBIN=$(TOOLS) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
	mv $(TOOLS)/golangci-lint $@

$(NFPM):
	GOBIN=$(TOOLS) go install github.com/goreleaser/nfpm/v2/cmd/nfpm@$(NFPM_VERSION)
	mv $(TOOLS)/nfpm $@

clean:
	rm -rf bin $(DIST)

# `make` alone lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# The Go distribution's own place, where it is installed but not in PATH.
ifeq (,$(shell command -v go))
export PATH := /usr/local/go/bin:$(PATH)
endif
# A checkout owned by another user makes git, and so go build, refuse.
export GOFLAGS += -buildvcs=false

FUZZTIME ?= 30s
BENCH ?= .
BENCHCOUNT ?= 10
BENCHRUNS ?= 3
BENCHONLY ?=
CUTS ?= 4
MACHINES ?= 2
ARCHES := amd64 arm64 riscv64
LINT := go tool -modfile=tools/go.mod golangci-lint
BENCHSTAT := go tool -modfile=tools/go.mod benchstat

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## compose a Debian, deploy it into ./_demo, change it, roll back
	@./scripts/demo

.PHONY: test
test: deps check race cross integration vm-test ## install what the tests need, then everything CI runs

.PHONY: deps
deps: ## install the Debian packages the tests need
	@./scripts/install-deps

.PHONY: build
build: ## build the commands and examples into ./bin
	CGO_ENABLED=0 go build -trimpath -o bin/ ./cmd/... ./examples/...

DESTDIR ?=
PREFIX := /usr
INSTALL := install -D -m

.PHONY: install
install: ## build and install the commands, the daemon and its files below DESTDIR
	CGO_ENABLED=0 go build -trimpath -o bin/ ./cmd/...
	$(INSTALL) 755 bin/apt-ostree $(DESTDIR)$(PREFIX)/bin/apt-ostree
	$(INSTALL) 755 bin/apt-ostreed $(DESTDIR)$(PREFIX)/libexec/apt-ostreed
	$(INSTALL) 644 data/dbus/org.aptostree.dev.conf -t $(DESTDIR)$(PREFIX)/share/dbus-1/system.d
	$(INSTALL) 644 data/dbus/org.aptostree.dev.service -t $(DESTDIR)$(PREFIX)/share/dbus-1/system-services
	$(INSTALL) 644 data/dbus/org.projectatomic.rpmostree1.service -t $(DESTDIR)$(PREFIX)/share/apt-ostree/compat
	$(INSTALL) 644 internal/busapi/interface.xml $(DESTDIR)$(PREFIX)/share/dbus-1/interfaces/org.aptostree.dev.xml
	$(INSTALL) 644 data/polkit/org.aptostree.dev.policy -t $(DESTDIR)$(PREFIX)/share/polkit-1/actions
	cd data/systemd && find . -type f -exec $(INSTALL) 644 {} $(abspath $(DESTDIR)/)$(PREFIX)/lib/systemd/system/{} \;
	$(INSTALL) 644 data/tmpfiles/apt-ostree.conf -t $(DESTDIR)$(PREFIX)/lib/tmpfiles.d
	$(INSTALL) 755 data/apt-ostree-grub-menu -t $(DESTDIR)$(PREFIX)/lib/apt-ostree
	$(INSTALL) 644 data/apt-ostreed.conf -t $(DESTDIR)/etc
	go run ./cmd/apt-ostree-docs $(DESTDIR)$(PREFIX)/share

.PHONY: docs
docs: ## write the man pages and shell completions into ./_docs
	go run ./cmd/apt-ostree-docs _docs

.PHONY: check
check: fmt vet lint unit ## what a contributor runs before a commit; no root, no network

.PHONY: fmt
fmt: ## fail if a file is not gofmt-ed
	@unformatted=$$(gofmt -l $$(git ls-files --cached --others --exclude-standard '*.go')); \
	if [ -n "$$unformatted" ]; then echo "not gofmt-ed:"; echo "$$unformatted"; exit 1; fi

.PHONY: vet
vet: ## go vet for every architecture, without cgo
	@for arch in $(ARCHES); do echo "vet $$arch"; CGO_ENABLED=0 GOARCH=$$arch go vet ./...; done

.PHONY: lint
lint: ## golangci-lint, from the module in tools/
	$(LINT) run ./...

# A program with the race detector sleeps for a second before it ends, and some tests start hundreds of them.
.PHONY: unit
unit: ## unit tests, the layers and the documents
	go test -short ./...

.PHONY: race
race: ## the same with the race detector
	GORACE=atexit_sleep_ms=0 go test -race -short ./...

.PHONY: cross
cross: ## build and link for every architecture without cgo
	@for arch in $(ARCHES); do echo "build $$arch"; CGO_ENABLED=0 GOARCH=$$arch go build ./...; done

.PHONY: integration
integration: ## all tests as root with the real tools; nothing is skipped
	./scripts/integration

.PHONY: long-test
long-test: ## compose large sets of packages in each way there is, as root; about an hour
	APT_OSTREE_LONG=1 APT_OSTREE_REQUIRE=1 go test -count=1 -timeout 3h -run '^TestLong' -v ./test/e2e

.PHONY: vm-test
vm-test: ## boot what we compose, MACHINES (2) at a time, in QEMU and in containers, as root (CUTS=20: cut the power that often)
	APT_OSTREE_VM=1 APT_OSTREE_VM_CUTS=$(CUTS) APT_OSTREE_REQUIRE=1 go test -count=1 -timeout 90m -parallel $(MACHINES) -v ./test/vm

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZTIME (30s)
	@./scripts/fuzz $(FUZZTIME)

.PHONY: bench
bench: ## side by side with the peers, then the benchmarks BENCHCOUNT (10) times, compared with the run before
	go run ./test/bench -runs $(BENCHRUNS) -only "$(BENCHONLY)"
	@mkdir -p _bench
	@if [ -e _bench/new.txt ]; then mv _bench/new.txt _bench/old.txt; fi
	go test -run '^$$' -bench '$(BENCH)' -benchmem -count $(BENCHCOUNT) -timeout 2h ./... | tee _bench/new.txt
	@if [ -e _bench/old.txt ]; then $(BENCHSTAT) _bench/old.txt _bench/new.txt; else $(BENCHSTAT) _bench/new.txt; fi

.PHONY: cover
cover: ## test coverage by function, and as a page in _cover/
	@mkdir -p _cover
	go test -short -coverpkg=./pkg/...,./internal/... -coverprofile=_cover/profile ./...
	go tool cover -html=_cover/profile -o _cover/index.html
	go tool cover -func=_cover/profile | tail -n 1

.PHONY: gen
gen: ## write generated files again
	go generate ./...

.PHONY: changelog
changelog: ## print the unreleased changes, put together from their fragments
	@./scripts/changelog

.PHONY: clean
clean: ## remove what was built here; the demo's mounts first
	@if [ -x scripts/demo ]; then ./scripts/demo clean; fi
	rm -rf bin _bench _cover

# The commands of this repository. "work" is every package of every module in
# go.work.

golangci-lint := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
gofumpt       := mvdan.cc/gofumpt@v0.12.0
gotestsum     := gotest.tools/gotestsum@v1.13.0
staticcheck   := honnef.co/go/tools/cmd/staticcheck@v0.8.2

# FUZZTIME is a count because Go 1.26 may take the end of a duration for a
# failure (https://go.dev/issue/75804). Minimizing is off: it can use up the
# whole count on one input.
FUZZTIME  ?= 10000x
BENCHTIME ?= 1s

# TIMEOUT is for the tests of one package. It ends a test that hangs, and leaves
# a slow machine all the time that it needs.
TIMEOUT   ?= 60m

# SQLite is C translated to Go: under the race detector it takes most of the time of
# all tests. So its code is compiled without it, unlike its driver and our own.
TRANSLATED := modernc.org/sqlite/lib modernc.org/libc/... modernc.org/memory
RACE       := -race $(TRANSLATED:%=-gcflags=%=-race=false)

SHELL       := bash
.SHELLFLAGS := -eu -o pipefail -c
BIN         := $(CURDIR)/.bin
DYNALITE    := integration/dynalite/node_modules
CLIENTS     := cmd/alexaevents/testdata/node/node_modules

.PHONY: help
help: ## lists the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "%-12s%s\n", $$1, $$2 }' Makefile

# Many tests wait for servers, so that more of them run at a time than there are cores.
# A developer's run is short: it leaves out what takes long and seldom fails, such as
# broken backends and unusual parameters of databases. CI runs all. "make lint" vets.
.PHONY: test
test: $(BIN)/gotestsum $(DYNALITE) $(CLIENTS) ## tests every module under the race detector
	@export GOTESTSUM_JSONFILE="$${GOTESTSUM_JSONFILE:-$$(mktemp)}"; \
	while sleep 20 >&- 2>&-; do \
		printf '%5d s: %s\n' $$SECONDS "$$(tail -n 1 "$$GOTESTSUM_JSONFILE" | \
			sed -nE 's|.*"Package":"github.com/alexaevents/alexaevents/?([^"]*)"(,"Test":"([^"]*)")?.*|\1 \3|p')"; \
	done & \
	trap "kill $$!" EXIT; \
	$(BIN)/gotestsum -- -parallel=8 -vet=off $(if $(CI),,-short) $(RACE) -timeout=$(TIMEOUT) ./integration/... work

.PHONY: lint
lint: $(BIN)/gofumpt $(BIN)/staticcheck $(BIN)/golangci-lint ## checks format and code of every module
	$(BIN)/gofumpt -d .
	go vet work
	$(BIN)/staticcheck work
	$(BIN)/golangci-lint run $$(go list -m -f '{{.Dir}}/...')

.PHONY: modules
modules: ## checks that every module is tidy, builds without go.work, and that the root passes its tests so
	@for dir in $$(go list -m -f '{{.Dir}}'); do \
		echo "$$dir"; \
		GOWORK=off go mod tidy -C "$$dir" -diff; \
		GOWORK=off go vet -C "$$dir" ./...; \
	done
	GOWORK=off go build ./...
	GOWORK=off go test ./...

.PHONY: fuzz
fuzz: ## runs every fuzz target FUZZTIME times
	@grep -rEo --include='*_test.go' '^func Fuzz\w+' . | sed -E 's|/[^/]+:func | |' | sort | \
	while read -r dir target; do \
		echo "$$target in $$dir"; \
		go test -C "$$dir" -run='^$$' -fuzz="^$$target\$$" -fuzztime=$(FUZZTIME) -fuzzminimizetime=0x </dev/null; \
	done

.PHONY: bench
bench: $(DYNALITE) ## runs every benchmark, each for BENCHTIME
	go test -run='^$$' -bench=. -benchmem -benchtime=$(BENCHTIME) work

.PHONY: quickstart
quickstart: ## runs a backend against a fake Amazon
	go run ./examples/quickstart

# go install leaves the file's time alone when nothing changed.
$(BIN)/%: Makefile
	GOBIN=$(BIN) go install $($*)
	@touch $@

# Without them, the tests on DynamoDB and those with Amazon's libraries are skipped.
$(DYNALITE) $(CLIENTS): %/node_modules: %/package-lock.json
	-command -v npm >/dev/null && npm ci --prefix $(@D) --ignore-scripts --no-audit --no-fund && touch $@

.DEFAULT_GOAL := help
RUNS ?= 200
MINUTES ?= 60
FUZZTIME ?= 30s
.PHONY: help build test race fuzz protocol chaos bench lint

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build the binary ./saumer
	CGO_ENABLED=0 go build -trimpath -o saumer ./cmd/saumer

test: ## run all tests
	go test ./...

race: ## run all tests with the race detector
	go test -race ./...

protocol: ## play the hand-over between live path and backlog for long: RUNS random worlds with crashes, and as many without
	go test -count=1 -timeout 0 ./test/protocol -protocol.runs=$(RUNS) -protocol.seed=$$(date +%s)

chaos: ## play random sequences of faults on real processes for MINUTES
	go test -count=1 -timeout 0 -v ./test/chaos -chaos.minutes=$(MINUTES)

fuzz: ## fuzz everything that reads what others wrote, each target for FUZZTIME
	@grep -rl --include='*_test.go' '^func Fuzz' . | while read -r file; do \
	  sed -n 's/^func \(Fuzz[A-Za-z]*\).*/\1/p' "$$file" | while read -r target; do \
	    echo "== $$target"; go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -parallel 1 "$$(dirname "$$file")" </dev/null || exit 1; \
	  done || exit 1; \
	done

bench: ## run the benchmarks
	go test -run '^$$' -bench . -benchmem ./...

lint: ## check format, vet and staticcheck
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "run gofmt -w on:"; echo "$$unformatted"; exit 1; }
	go vet ./...
	go tool staticcheck ./...

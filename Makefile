# Kiln's few commands. Everything is built by CMake and ninja; this only says it shortly.
.PHONY: help deps build test test-long bench demo lint format clean
.DEFAULT_GOAL := help

JOBS ?= $(shell nproc)

help:             ## this text
	@sed -n 's/^\([a-z-]*\):.* ## /\1 /p' Makefile | while read -r name text; do \
	  printf '%-16s %s\n' "$$name" "$$text"; done

deps:             ## install what this machine lacks (Debian 12)
	@scripts/deps.sh

build: deps       ## build/release, with every program in build/release/bin
	@scripts/build.sh release $(JOBS)

test: deps        ## every test but the long ones, tier by tier
	@JOBS=$(JOBS) scripts/test.sh

test-long: deps   ## clang-tidy, and the tests that take many minutes
	@JOBS=$(JOBS) scripts/test.sh long

bench: build      ## measure against distcc and icecream: build/bench/summary.json
	@scripts/bench.sh

demo: build       ## a real project through a coordinator and two workers on this machine
	@scripts/demo.sh

lint: deps        ## house rules and clang-tidy
	@scripts/lint.sh $(JOBS)

format:           ## clang-format every source in place
	@scripts/format.sh -i

clean:            ## remove everything that was built
	rm -rf build

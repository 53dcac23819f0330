# make demo and make test are the two commands of the README; make help lists the others.
BUILD ?= build
DEPS  ?= build/deps
DATA  ?= build/data
JOBS  ?= 2
PREFIX ?= /usr/local
DESTDIR ?=
ARGS  ?=
CMAKE_ARGS ?=
BLST_SOURCE ?=

export DEPS DATA BLST_SOURCE

.DEFAULT_GOAL := help
.PHONY: help demo test build setup setup-build setup-test setup-ci configure install clean distclean \
        format check-format gates

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*  ## \(.*\)/make \1\t\2/p' Makefile | expand -t 20

demo: setup-test  ## build and play a patient's whole story (ARGS="--help" for its options)
	@$(MAKE) --no-print-directory compile TARGETS=bcemr_program_bcemr
	@BCEMR_DATA=$(DATA) $(BUILD)/bin/bcemr demo $(ARGS)

test: setup-test  ## build and run all tests
	@$(MAKE) --no-print-directory compile
	@ctest --test-dir $(BUILD) --output-on-failure --parallel $(JOBS) $(CTEST_ARGS)

build: setup-build  ## set up and build into build/ (programs in build/bin/)
	@$(MAKE) --no-print-directory compile

.PHONY: compile
compile:
	@mkdir -p $(BUILD)
	@cmake -S . -B $(BUILD) -DBCEMR_DEPS=$(abspath $(DEPS)) -DBCEMR_DATA=$(abspath $(DATA)) \
	  -DBCEMR_BLST_SOURCE=$(BLST_SOURCE) $(CMAKE_ARGS) \
	  >$(BUILD)/configure.log 2>&1 || { cat $(BUILD)/configure.log; exit 1; }
	@cmake --build $(BUILD) --parallel $(JOBS) $(if $(TARGETS),--target $(TARGETS))

setup: setup-test  ## install and fetch what building and testing need

setup-build:
	@scripts/setup build

setup-test:
	@scripts/setup build test

setup-ci:  ## install what the gates need besides
	@scripts/setup build test ci

install:  ## install into PREFIX (after make build)
	@DESTDIR=$(DESTDIR) cmake --install $(BUILD) --prefix $(PREFIX)

clean:  ## remove what was compiled, keep what was fetched
	@[ ! -d $(BUILD) ] || find $(BUILD) -mindepth 1 -maxdepth 1 ! -name deps ! -name data -exec rm -rf {} +

distclean:  ## remove build/ altogether
	@rm -rf build

format:  ## format all C sources
	@scripts/gates/format --fix

check-format:  ## show what is not formatted
	@scripts/gates/format

gates: setup-ci  ## everything that CI checks beyond the tests
	@scripts/gates/all

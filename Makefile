# Everything runs inside .venv and node_modules; nothing is installed outside this directory.
# What is installed or built already is skipped: the stamps .installed and dist/index.html tell.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
MAKEFLAGS += --no-builtin-rules --no-print-directory

BIN := .venv/bin
PYTHON_READY := .venv/.installed
FRONT_ENDS := $(patsubst %/package.json,%,$(wildcard h5-member/package.json admin-web/package.json))
FRONTS_READY := $(FRONT_ENDS:%=%/node_modules/.installed)
FRONTS_BUILT := $(FRONT_ENDS:%=%/dist/index.html)
each_front = $(foreach front,$(FRONT_ENDS),&& npm --prefix $(front) run --silent $(1))
CHECKS_OF_FRONTS := $(FRONT_ENDS:%=check-%)
CHECKS := check-format check-lint check-types check-imports check-locks $(CHECKS_OF_FRONTS)
# Folders of tests that start processes and browsers, race connections, or play whole stories.
SLOW := bench browser cli concurrency deploy embedded scenarios

.PHONY: demo test test-fast coverage check $(CHECKS) fmt dev bench install build help

demo: install build ## Show the whole system working; ARGS=--once ends after the books
	@$(BIN)/python -m backend demo $(ARGS)

test: install build ## Run every test: front-ends, backend, browser
	@true $(call each_front,test)
	@$(BIN)/pytest -n 2 $(ARGS)

test-fast: $(PYTHON_READY) ## Run what is quick: Python without processes, browsers and races
	@$(BIN)/pytest -n 2 -m "not slow" $(SLOW:%=--ignore=tests/%) $(ARGS)

coverage: install build ## Tell which lines and branches the tests reach; ARGS=tests/money/refunds for a part
	@$(BIN)/pytest -n 2 --cov --cov-report= $(ARGS)
	@$(BIN)/python tools/coverage_by_wing.py

check: install build $(CHECKS) ## Format, lint, types, import order, generated files fresh

# The parts of `make check`, which are also the hooks of .pre-commit-config.yaml.
check-format: $(PYTHON_READY)
	@$(BIN)/ruff format --check .

check-lint: $(PYTHON_READY)
	@$(BIN)/ruff check .

check-types: $(PYTHON_READY)
	@$(BIN)/mypy

check-imports: $(PYTHON_READY)
	@$(BIN)/lint-imports --no-logo

check-locks: $(PYTHON_READY)
	@tools/check-locks

$(CHECKS_OF_FRONTS): check-%: $(PYTHON_READY) %/dist/index.html
	@npm --prefix $* run --silent check

fmt: install ## Format, and fix what can be fixed
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .
	@true $(call each_front,fmt)

dev: install ## Serve with hot reload
	@$(BIN)/python -m backend dev $(ARGS)

bench: install ## Measure ratios beside named baselines
	@$(BIN)/python -m bench $(ARGS)

install: $(PYTHON_READY) $(FRONTS_READY) ## Install what the other commands need (they do it themselves)

build: $(FRONTS_BUILT) ## Build both front-ends (demo and test do it themselves)

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' Makefile

$(PYTHON_READY): requirements/dev.txt pyproject.toml
	@tools/install-python

%/node_modules/.installed: %/package-lock.json
	@tools/require-node
	@echo "installing the packages of $*"
	@npm --prefix $* ci --no-audit --no-fund --loglevel=error
	@touch $@

# A front-end is built anew when any file beside what is generated or installed is newer.
sources = $(shell find $(1) -type f -not -path '*/node_modules/*' -not -path '*/dist/*')
define build_rule
$(1)/dist/index.html: $(1)/node_modules/.installed $$(call sources,$(1) web-shared)
	@echo "building $(1)"
	@npm --prefix $(1) run --silent build
	@touch $$@
endef
$(foreach front,$(FRONT_ENDS),$(eval $(call build_rule,$(front))))

# Each target makes what it needs first, its own virtual environment included. What is needed on the machine: Python 3.11 or
# newer, git and make; for the tests on real control planes Go as well.
.DEFAULT_GOAL := help
PYTHON ?= python3
JOBS ?= 2
VENV := .venv
BIN := $(VENV)/bin
LIVE := demo-live
# What builds the package is pinned like everything else (two names: pip changed its mind); a network that is away for a
# moment is waited for.
INSTALL := PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt $(BIN)/pip install --quiet --editable
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_RETRIES ?= 10
export PIP_DEFAULT_TIMEOUT ?= 60

# Also under `make -j`: what is installed is not used meanwhile, and tests have the machine for themselves.
.NOTPARALLEL:

.PHONY: help demo demo-live demo-live-down test unit e2e parity check fmt lint types contracts spelling search cases accept bench docs docs-check clean

help: ## what can be made here
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

# Run-time packages alone: enough for `make demo`.
$(VENV)/.runtime: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed: make PYTHON=python3.13 ..." >&2; exit 2; }
	test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	$(INSTALL) .
	@touch $@

# The development tools on top.
$(VENV)/.dev: $(VENV)/.runtime
	$(INSTALL) '.[dev]'
	@touch $@

demo: $(VENV)/.runtime ## the main job on a throw-away repository: no cluster, no network
	@$(BIN)/reconciler demo

demo-live: $(VENV)/.dev ## the whole line on three real control planes, one with the agent; leaves them running (needs Go)
	@$(BIN)/python -m tests.e2e.demo_live up --dir $(LIVE)

demo-live-down: $(VENV)/.dev ## stop what demo-live left running, and remove it
	@$(BIN)/python -m tests.e2e.demo_live down --dir $(LIVE)

test: check unit e2e ## every check and every test, the real control planes included (needs Go)

check: lint types contracts spelling docs-check ## linters, strict types, import contracts, spelling, generated pages

unit: $(VENV)/.dev ## every test that needs no cluster
	$(BIN)/pytest -q -n $(JOBS) tests --ignore=tests/e2e

e2e: $(VENV)/.dev ## the tests on real API servers and real Git remotes (needs Go)
	$(BIN)/pytest -q tests/e2e

search: $(VENV)/.dev ## look for examples that break a law, fifty times as many as in the tests and new ones each time
	RECONCILER_SEARCH=50 $(BIN)/pytest -q -n $(JOBS) tests/properties tests/contract/test_laws.py
	RECONCILER_SEARCH=50 $(BIN)/pytest -q -n $(JOBS) -m hypothesis tests/unit

cases: $(VENV)/.dev ## the case folders
	$(BIN)/pytest -q tests/cases

accept: $(VENV)/.dev ## rewrite the expectations of the case folders; read the difference before you commit it
	RECONCILER_ACCEPT=1 $(BIN)/pytest -q tests/cases

parity: $(VENV)/.dev ## agreement with Karmada's recorded answers, as a table
	$(BIN)/python -m tests.parity.run tests/parity/data/*.jsonl.gz

fmt: $(VENV)/.dev ## format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only --quiet .

lint: $(VENV)/.dev ## linters
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/hadolint Dockerfile

types: $(VENV)/.dev ## strict types
	$(BIN)/mypy

contracts: $(VENV)/.dev
	$(BIN)/lint-imports

spelling: $(VENV)/.dev
	$(BIN)/codespell

bench: $(VENV)/.dev ## all benchmarks as one table (needs Go; some twenty minutes)
	$(BIN)/python -m benchmarks

docs: $(VENV)/.dev ## write the generated pages and the architecture picture
	$(BIN)/python -m docs.generate

docs-check: $(VENV)/.dev
	$(BIN)/python -m docs.generate --check

clean: ## remove what was made here; not the control planes' binaries in ~/.cache
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .hypothesis .import_linter_cache

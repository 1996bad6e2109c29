# Each target makes what it needs first, its own virtual environment included.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo demo-live test unit e2e parity fmt lint types contracts spelling cases accept bench docs check clean

help: ## what can be made here
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

# Run-time packages alone: enough for `make demo`.
$(VENV)/.runtime: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed (set PYTHON=...)"; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable .
	@touch $@

# The development tools on top.
$(VENV)/.dev: $(VENV)/.runtime
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

demo: $(VENV)/.runtime ## the main job on a throw-away repository: no cluster, no network
	@$(BIN)/reconciler demo

demo-live: $(VENV)/.dev ## the whole line on three real control planes, one of them with the agent (needs Go)
	@$(BIN)/python -m tests.e2e.demo_live

test: check unit e2e ## every check and every test, the real control planes included

check: lint types contracts spelling docs ## linter, strict types, import contracts, spelling, generated docs

unit: $(VENV)/.dev ## everything that needs no cluster
	$(BIN)/pytest -q tests --ignore=tests/e2e

e2e: $(VENV)/.dev ## real API servers and real Git remotes
	$(BIN)/pytest -q tests/e2e

parity: $(VENV)/.dev ## Karmada's recorded answers
	$(BIN)/python -m tests.parity.run tests/parity/data/*.jsonl.gz

fmt: $(VENV)/.dev ## format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only --quiet .

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy

contracts: $(VENV)/.dev
	$(BIN)/lint-imports

spelling: $(VENV)/.dev
	$(BIN)/codespell

cases: $(VENV)/.dev ## the case folders
	$(BIN)/pytest -q tests/cases

accept: $(VENV)/.dev ## rewrite the expectations of the case folders; read the diff before you commit it
	RECONCILER_ACCEPT=1 $(BIN)/pytest -q tests/cases

bench: $(VENV)/.dev ## all benchmarks as one table
	$(BIN)/python -m benchmarks

docs: $(VENV)/.dev ## generated pages and the architecture picture are up to date
	$(BIN)/python -m docs.generate --check

clean:
	rm -rf $(VENV) .demo .mypy_cache .ruff_cache .hypothesis

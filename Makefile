# Everything here sets itself up: the first call makes .venv in this folder and installs into it. No root, no conda.
#   make demo    the main job on real data, in under a minute once installed
#   make test    style, types, then every test
# Another interpreter: make demo PYTHON=python3.12

PYTHON ?= python3
PYTEST_ARGS ?=
AT_ONCE ?= 2
BENCH_ARGS ?=

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
SOURCES := daskdl frames tests bench docs k8s

.PHONY: demo test lint types bench docs soak warm clean distclean help
.DEFAULT_GOAL := help

help:  ## show this list
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 20

demo: .venv/.installed  ## import a table, train, judge, explain, save and load again
	$(BIN)/daskdl demo

test: .venv/.installed-test lint types  ## style, types, then every test
	$(BIN)/python -m pytest --numprocesses $(AT_ONCE) --dist worksteal $(PYTEST_ARGS)

lint: .venv/.installed-test  ## ruff: rules and formatting
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)

types: .venv/.installed-test  ## pyright over both packages
	$(BIN)/pyright

bench: .venv/.installed-bench  ## samples per second against other trainers, in one run
	$(BIN)/python bench/run.py $(BENCH_ARGS)

soak: .venv/.installed  ## five minutes of trainings under killed workers and clients: no sample may be lost
	.venv/bin/python bench/soak.py

docs: .venv/.installed  ## write docs/parameters.md and docs/metrics.md again from the declarations
	$(BIN)/python docs/parameters.py
	$(BIN)/python docs/metrics.py

warm: .venv/.installed  ## compile all kernels now, so that no later start has to
	$(BIN)/daskdl warm

clean:  ## remove what running leaves behind, keep .venv
	rm -rf build dist demo-output .pytest_cache .ruff_cache .hypothesis dask-worker-space *.egg-info
	find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean  ## remove .venv as well
	rm -rf .venv

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null || { \
	  echo "Python must be 3.11, 3.12 or 3.13; '$(PYTHON)' is $$($(PYTHON) --version 2>&1)." \
	       "Name another one: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv

.venv/.installed: $(BIN)/python pyproject.toml constraints.txt
	@echo "Installing daskdl into .venv (about a minute the first time) ..."
	@$(PIP) install --quiet --constraint constraints.txt --editable .
	@touch $@

.venv/.installed-test: .venv/.installed
	@echo "Installing what the tests need into .venv ..."
	@$(PIP) install --quiet --constraint constraints.txt --editable '.[test]'
	@touch $@

.venv/.installed-bench: .venv/.installed
	@echo "Installing what the benchmarks need into .venv ..."
	@$(PIP) install --quiet --constraint constraints.txt --editable '.[bench]'
	@touch $@

# Everything runs inside .venv, made from the lists in pyproject.toml.  Needs Python 3.11+ and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := protocol dag_ledger wasm_tasks agent tests benchmarks

.PHONY: help demo test check format bench model vectors tasks clean

help:
	@echo "make demo    five agents on this machine render a picture together"
	@echo "make test    every test that can run on this machine"
	@echo "make check   formatting, lint, types, import directions"
	@echo "make bench   the figures of docs/, measured here, as JSON lines"
	@echo "make model   search every state of the formal model of the ledger (needs spin and gcc)"
	@echo "make vectors write tests/vectors/ anew (a change there is a change of SPEC.md)"
	@echo "make tasks   build the example tasks from their C sources"

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'

$(VENV)/.user: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable '.[fast]'
	touch $@

$(VENV)/.test: pyproject.toml $(VENV)/.user
	$(BIN)/python -m pip install --quiet --group test
	touch $@

$(VENV)/.check: pyproject.toml $(VENV)/.test
	$(BIN)/python -m pip install --quiet --group check
	touch $@

$(VENV)/.toolchain: pyproject.toml $(VENV)/.test
	$(BIN)/python -m pip install --quiet --group toolchain
	touch $@

demo: $(VENV)/.user
	$(BIN)/fogbank demo $(DEMO)

test: $(VENV)/.test
	$(BIN)/python -m pytest $(TEST)

check: $(VENV)/.check
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/pyright --warnings

format: $(VENV)/.check
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

bench: $(VENV)/.test
	@set -e; for file in benchmarks/*.py; do $(BIN)/python -m benchmarks.$$(basename $$file .py); done

model:
	$(PYTHON) docs/models/check.py

vectors: $(VENV)/.test
	$(BIN)/python -m tests.vectors.write

tasks: $(VENV)/.toolchain
	$(BIN)/python -m fogbank_wasm_tasks.examples.build

clean:
	rm -rf $(VENV) build dist

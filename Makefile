# Everything runs inside .venv, made from the lists in pyproject.toml.  Needs Python 3.11+ and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SEEDS ?= 300
FIRST ?= 0
KILLS ?= 200
RUNS ?= 10000
TICKS ?= 10
SOURCES := protocol dag_ledger wasm_tasks agent tests benchmarks

.PHONY: help demo test check format bench crashes market-kills tick-kills model simulate simulate-market vectors tasks clean conformance metering-proof aarch64-proof

help:
	@echo "make demo    five agents on this machine render a picture together"
	@echo "make test    every test that can run on this machine"
	@echo "make check   formatting, lint, types, import directions"
	@echo "make bench   the figures of docs/, measured here, as JSON lines"
	@echo "make simulate SEEDS=300 FIRST=0"
	@echo "             so many made-up worlds of whole nodes; the first seed that breaks a rule"
	@echo "make simulate-market SEEDS=3 FIRST=0"
	@echo "             made-up markets with cheats; what they earn, and how many lies pass"
	@echo "make crashes KILLS=200"
	@echo "             kill real agents while they pay each other; nothing final is lost"
	@echo "make market-kills RUNS=10000"
	@echo "             kill real agents while they buy and sell; every run ends once, no drop is lost"
	@echo "make tick-kills TICKS=10"
	@echo "             kill either side of a run at each of its ticks; the other loses one at most"
	@echo "make model   search every state of the formal model of the ledger (needs spin and gcc)"
	@echo "make vectors write tests/vectors/ anew (a change there is a change of SPEC.md)"
	@echo "make conformance SUITE=path  the official WebAssembly or WASI test suite, from a folder"
	@echo "make metering-proof  thousands of generated modules, rewritten and not, compared"
	@echo "make aarch64-proof   the same runs on an emulated aarch64 (Debian, qemu-user)"
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

# On all cores, four at most: a whole network of agents lives in some of the tests.
test: $(VENV)/.test
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist worksteal $(TEST)

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

simulate: $(VENV)/.test
	$(BIN)/python -m tests.dag_ledger.world.simulate --seeds $(SEEDS) --first $(FIRST)

simulate-market: MARKETS = $(if $(filter file,$(origin SEEDS)),3,$(SEEDS))
simulate-market: $(VENV)/.test
	$(BIN)/python -m tests.agent.simulation.simulate --seeds $(MARKETS) --first $(FIRST)

crashes: $(VENV)/.test
	$(BIN)/python -m tests.dag_ledger.service.crashes --kills $(KILLS)

market-kills: $(VENV)/.test
	$(BIN)/python -m tests.end_to_end.market_kills --runs $(RUNS)

tick-kills: $(VENV)/.test
	$(BIN)/python -m tests.end_to_end.tick_kills --ticks $(TICKS)

model:
	$(PYTHON) docs/models/check.py

vectors: $(VENV)/.test
	$(BIN)/python -m tests.vectors.write

conformance: $(VENV)/.test
	@test -n "$(SUITE)" || { echo "name the folder of a suite: make conformance SUITE=path"; exit 2; }
	$(BIN)/python -m tests.conformance "$(SUITE)"

metering-proof: $(VENV)/.test
	$(BIN)/python -m tests.wasm_tasks.metering.injection.whole_tasks
	$(BIN)/python -m tests.wasm_tasks.metering.injection.comparison $(or $(SEED),0) $(or $(MODULES),3000)

aarch64-proof: $(VENV)/.test
	$(BIN)/python -m tests.aarch64.prepare
	$(BIN)/python -m pytest tests/aarch64

tasks: $(VENV)/.toolchain
	$(BIN)/python -m fogbank_wasm_tasks.examples.build

clean:
	rm -rf $(VENV) build dist

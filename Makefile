# `make` lists the targets. Every target sets up .venv by itself when it is missing or outdated.
SHELL := /bin/sh
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 5000
SERVE ?= 1
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	if $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo $$p; break; fi; done)
PIP := $(BIN)/python -m pip --disable-pip-version-check -q

.PHONY: help setup demo serve worker test test-map mutate lint check compat bench clean licenses lock texts

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: install it, or name it with PYTHON=…" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo "python3 -m venv failed; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }

$(VENV)/ready: requirements.lock pyproject.toml | $(BIN)/python
	@echo "Setting up $(VENV) …"
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q portal harvesters schemas search i18n demo # a start is seconds faster, even where Python may not write
	@touch $@

$(VENV)/ready-dev: requirements-dev.lock $(VENV)/ready
	@echo "Setting up the test tools …"
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@

setup: $(VENV)/ready-dev ## set up .venv with everything

demo: $(VENV)/ready ## harvest, validate, store, index, publish, then serve (PORT=5000, SERVE=0 to stop instead)
	@$(BIN)/portal demo --port $(PORT) $(if $(filter 0,$(SERVE)),--no-serve,--serve)

serve: $(VENV)/ready ## serve on 127.0.0.1 (PORT=5000)
	@$(BIN)/portal db upgrade
	@$(BIN)/portal serve --port $(PORT)

worker: $(VENV)/ready ## run a worker: due sources, harvest jobs, outbox
	@$(BIN)/portal db upgrade
	@$(BIN)/portal worker

test: $(VENV)/ready-dev ## run the tests (ARGS="-k name" to choose)
	@$(BIN)/python -m pytest -n auto --dist loadgroup $(ARGS)

test-map: $(VENV)/ready-dev ## which test guards which module (ARGS=--measured runs them and looks)
	@$(BIN)/python -m tests.architecture.guards $(ARGS)

mutate: $(VENV)/ready-dev ## break a module on purpose and count what its tests notice (ARGS=portal/db/outbox.py)
	@$(BIN)/python -m tests.architecture.mutate $(ARGS)

lint: $(VENV)/ready-dev ## ruff, mypy --strict, import contracts, deptry, dead code, licences
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/deptry .
	@$(BIN)/python -m tests.architecture.dead
	@$(BIN)/python -m tests.architecture.licenses >/dev/null

licenses: $(VENV)/ready-dev ## list the licences of all dependencies; one that nobody has judged is an error
	@$(BIN)/python -m tests.architecture.licenses

check: lint test ## everything that must pass before a commit

compat: $(VENV)/ready-dev ## run unmodified CKAN clients against a fresh server and print a table
	@$(BIN)/python -m tests.compat

bench: $(VENV)/ready-dev ## run the benchmarks (minutes)
	@for script in benchmarks/*.py; do echo "== $$script"; \
		$(BIN)/python -m benchmarks.$$(basename $$script .py) || exit 1; done

texts: $(VENV)/ready-dev ## write new texts into the Vietnamese catalogue, and list those that lack Vietnamese
	@$(BIN)/python -m tests.architecture.texts

lock: ## write the lock files anew (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes pyproject.toml --group setup -o requirements.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes pyproject.toml --group dev -o requirements-dev.lock

clean: ## remove the data folder, .venv and caches
	rm -rf var $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis *.egg-info build dist

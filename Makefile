# Pocketful. `make help` lists what there is. Only Python 3.11+ and make have to be installed.
PYTHON ?= python3
PORT ?= 8000
JOBS ?= logical
ARGS ?=
CHECKS ?= lint types
ONLY ?=

PY := .venv/bin/python
FLASK := $(PY) -m flask --app wsgi
LOCKED := requirements-uv.lock requirements.lock requirements-data.lock scripts/environment

# Where the environment forbids compiled files, each start would take seconds more; here they are wanted.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help test demo serve worker bench lint types lock clean

help: ## This list
	@echo "Pocketful: make TARGET"
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1|\2/p' Makefile | awk -F'|' '{printf "%-9s %s\n", $$1, $$2}'
	@echo "DATABASE_URL=postgresql://… points any of them at an outside PostgreSQL (15 or newer)."

test: .venv/.tests $(CHECKS) ## Every check (ARGS="tests/wallet -x" for some tests, JOBS=1 for one at a time)
	@$(PY) -m pytest -n $(JOBS) --dist worksteal $(ARGS)

demo: .venv/.run ## Real customers' days, then the API and a worker (ARGS="--days 365 --exit")
	@$(FLASK) demo $(ARGS)

serve: .venv/.run ## The API on PORT (8000)
	@$(FLASK) serve --port $(PORT)

worker: .venv/.run ## One worker: the log's readers, due work and the schedule
	@$(FLASK) worker

bench: .venv/.tests ## Measure us beside a peer and the bare database (ONLY=wallet)
	@$(PY) -m bench $(ONLY)

lint: .venv/.tests ## Style (ruff) and the law of the house (import-linter)
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -c 'from importlinter.cli import lint_imports_command; lint_imports_command()' --no-logo

types: .venv/.tests ## Types, in strict mode (mypy)
	@$(PY) -m mypy

lock: .venv/.tests ## Choose versions anew and write the lock files
	@scripts/lock

clean: ## Remove the environment, the caches and the embedded database with all its data
	@if [ -x $(PY) ]; then $(PY) -m core.postgres.remove .data; fi
	rm -rf .venv .data .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis tests/node/node_modules bench/out
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Stamped, so that the second start asks nobody anything.
.venv/.run: $(LOCKED)
	@PYTHON="$(PYTHON)" scripts/environment run

.venv/.tests: $(LOCKED) requirements-dev.lock tests/node/package-lock.json
	@PYTHON="$(PYTHON)" scripts/environment tests

# Tocsin (警钟). `make help` lists the targets; `make run` is all a newcomer needs.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory
.DEFAULT_GOAL := help

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' && echo $$p && break; done)
VENV := .venv
PY := $(VENV)/bin/python
TOCSIN := $(VENV)/bin/tocsin
STAMPS := $(VENV)/.tocsin
VENDOR := service/web/static/vendor/manifest.json
CATALOGUES := $(wildcard service/web/locale/*/LC_MESSAGES/tocsin.po)
PORT ?= 8000
export PORT
PYTEST := $(PY) -m pytest
# Two cores are what CI has; files stay together so that a module's fixtures are built once.
PARALLEL ?= -n 2 --dist loadfile --no-loadscope-reorder
# Each test process writes down here which sequence flows its path tests visited and what they asserted.
FLOWS := var/flows

.PHONY: help setup setup-dev run test test-postgres flows matrix check api lint format types contracts e2e bench soak screenshots pictures lock messages clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' Makefile

# ---------------------------------------------------------------- set-up (nothing is done twice: stamps in .venv)

setup: $(STAMPS)/app $(VENDOR) $(CATALOGUES:.po=.mo) ## install everything that running needs; then .venv/bin/tocsin works
	@echo "[6/6] ready"

setup-dev: setup $(STAMPS)/dev ## the same and the tools for tests and checks

$(PY):
	@test -n "$(PYTHON)" || { echo "ERROR: Python 3.11 or newer is needed; set PYTHON=/path/to/python3" >&2; exit 1; }
	@echo "[1/6] virtual environment ($$($(PYTHON) --version))"
	@$(PYTHON) -m venv $(VENV) || { echo "ERROR: 'python3 -m venv' failed; on Debian and Ubuntu install python3-venv" >&2; exit 1; }

$(STAMPS)/runtime: requirements.lock | $(PY)
	@echo "[2/6] Python packages, by hash"
	@.ci/install.sh $(PY) requirements.lock
	@mkdir -p $(@D) && touch $@

$(STAMPS)/app: pyproject.toml $(STAMPS)/runtime
	@echo "[3/6] Tocsin itself, editable"
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index \
		--config-settings editable_mode=compat --editable .
	@touch $@

$(VENDOR): package.json package-lock.json .npmrc .ci/vendor_assets.py | $(STAMPS)/app
	@echo "[4/6] browser packages"
	@.ci/npm_ci.sh $(PY)
	@$(PY) .ci/vendor_assets.py

$(CATALOGUES:.po=.mo): %.mo: %.po | $(STAMPS)/app
	@echo "[5/6] message catalogue $<"
	@$(VENV)/bin/pybabel --quiet compile -i $< -o $@

$(STAMPS)/dev: requirements-dev.lock $(STAMPS)/runtime
	@echo "[dev] test and check tools, by hash"
	@.ci/install.sh $(PY) requirements-dev.lock
	@touch $@

# ---------------------------------------------------------------- running

run: setup ## install, migrate, load the demo district, serve on http://127.0.0.1:8000 (PORT, TOCSIN_DATABASE_URL, TOCSIN_DATA_DIR)
	@TOCSIN_DEMO=1 exec $(TOCSIN) serve

# ---------------------------------------------------------------- checks

test: setup-dev ## every test but the browser's and the long ones
	@rm -rf $(FLOWS)
	@TOCSIN_FLOWS=$(FLOWS) $(PYTEST) $(PARALLEL) -m "not browser and not soak" $(ARGS)

test-postgres: setup-dev ## the same tests, everything on PostgreSQL (from a wheel; no server needed)
	@TOCSIN_TEST_DATABASE=postgresql $(PYTEST) $(PARALLEL) -m "not browser and not soak" $(ARGS)

flows: setup-dev ## after `make test`: was every sequence flow visited, does tests/matrix.md say which test asserts what?
	@$(PY) -m tests.paths.coverage $(FLOWS)
	@$(PY) -m tests.matrix $(FLOWS)

matrix: setup-dev ## after `make test`: write tests/matrix.md anew; refused where more lines than before have no test
	@$(PY) -m tests.matrix $(FLOWS) --write

SCENARIOS := $(wildcard tests/paths/test_sc*.py)

# What `make check` asks over HTTP of PostgreSQL; the workers, nodes and races of tests/contract and tests/nodes are on it anyway.
ON_POSTGRES := $(filter-out %sc02_confirmed_case.py,$(SCENARIOS)) tests/contract/test_incidents.py tests/contract/test_policies.py

api: setup-dev ## the scenarios once more, every step asked for over the HTTP API
	@TOCSIN_TEST_DOOR=api $(PYTEST) $(PARALLEL) $(SCENARIOS) $(ARGS)

check: setup-dev ## what CI runs: lint, types, contracts, test, flows, the scenarios over HTTP on PostgreSQL, e2e
	@echo "[check 1/7] lint" && $(MAKE) lint
	@echo "[check 2/7] types" && $(MAKE) types
	@echo "[check 3/7] contracts" && $(MAKE) contracts
	@echo "[check 4/7] tests" && $(MAKE) test
	@echo "[check 5/7] visited flows, matrix" && $(MAKE) flows
	@echo "[check 6/7] scenarios over HTTP, on PostgreSQL" && TOCSIN_TEST_DOOR=api $(MAKE) test-postgres ARGS="$(ON_POSTGRES)"
	@echo "[check 7/7] browser" && $(MAKE) e2e

lint: setup-dev ## style and forbidden things (ruff), locked packages as they should be
	@$(VENV)/bin/ruff check .
	@$(PY) .ci/audit_locks.py

format: setup-dev ## lay the code out (ruff)
	@$(VENV)/bin/ruff check --fix --quiet . && $(VENV)/bin/ruff format .

types: setup-dev ## strict types (mypy)
	@$(VENV)/bin/mypy

contracts: setup-dev ## the rings: who may import whom (import-linter)
	@$(VENV)/bin/lint-imports --no-cache

e2e: setup-dev ## the browser tests, in a real Chromium
	@.ci/chromium.sh
	@$(PYTEST) -m browser -p no:randomly $(ARGS)

bench: setup ## measure this machine against the bars (ARGS="--only S1,S3 --scale 0.1")
	@$(TOCSIN) bench $(ARGS)

soak: setup-dev ## the long crash, race and random-model runs
	@$(PYTEST) -m soak --timeout=3600 $(ARGS)

screenshots: setup-dev ## walk the main pages in Chromium and keep pictures in screenshots/
	@.ci/chromium.sh
	@mkdir -p screenshots && TOCSIN_SCREENSHOTS=screenshots $(PYTEST) -m browser -p no:randomly $(ARGS)

pictures: setup-dev ## take the pictures of the README again, into tests/web/pictures/
	@.ci/chromium.sh
	@TOCSIN_PICTURES=tests/web/pictures $(PYTEST) -m browser -p no:randomly tests/web/browser/test_readme_pictures.py

# ---------------------------------------------------------------- upkeep

COMPILE := $(VENV)/bin/uv pip compile --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --quiet

lock: setup-dev ## resolve the dependencies again and write the lock files (UPGRADE=--upgrade for newer versions)
	@$(COMPILE) $(UPGRADE) pyproject.toml --group build -o requirements.lock
	@$(COMPILE) $(UPGRADE) pyproject.toml --group build --group dev -c requirements.lock -o requirements-dev.lock
	@$(COMPILE) $(UPGRADE) --group node -o requirements-node.lock
	@npm install --package-lock-only --loglevel=error </dev/null

messages: setup-dev ## collect the texts of pages and code into the English catalogue
	@mkdir -p var && $(VENV)/bin/pybabel --quiet extract -F pyproject.toml -k _ -k ngettext:1,2 --no-location --sort-output -o var/tocsin.pot .
	@$(VENV)/bin/pybabel --quiet update -D tocsin -i var/tocsin.pot -d service/web/locale --no-fuzzy-matching --ignore-obsolete

clean: ## remove what the set-up made; the data in var/ stays
	@rm -rf $(VENV) node_modules service/web/static/vendor *.egg-info .mypy_cache .ruff_cache

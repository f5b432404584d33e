# Everything a developer or CI runs has a name here. `make demo` and `make test` need only git, make and Python 3.11-3.13.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/installed

.PHONY: setup test hard simulate mutants bench scale load latency package package-test check types suites demo docs cards browser azurite sandbox format clean

setup: $(STAMP)

$(STAMP): requirements.txt requirements-dev.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 14) else f"Holdfast needs Python 3.11 to 3.13; {sys.executable} is {v[0]}.{v[1]}. Try: make PYTHON=python3.12 $(MAKECMDGOALS)")'
	@echo "Installing into .venv (about a minute, once) ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check -r requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

demo: setup
	@$(BIN)/holdfast demo

test: setup
	$(BIN)/python -m pytest -n auto

docs: setup
	@$(BIN)/python docs/reference.py

# The cards as Teams draws them: the official renderer in Chromium, both from their registries by name. Needs Node.js.
PICTURES ?= docs/pictures
DRAWING := docs/cards/node_modules/.package-lock.json
cards: browser
ifneq ($(shell command -v npm),)
	@node docs/cards/draw.mjs $(PICTURES)
endif

# Chromium and what drives it, for the cards and for a look at the status page. Without Node.js neither is looked at.
browser:
ifeq ($(shell command -v npm),)
	@echo "There is no Node.js here: cards are not drawn and the status page is not looked at."; test -z "$$CI"
else
	@$(MAKE) --no-print-directory $(DRAWING)
endif

$(DRAWING): docs/cards/package-lock.json
	@command -v chromium-headless-shell chromium >/dev/null || test -n "$$CHROMIUM" || (apt-get -qq update && apt-get -qq install --yes --no-install-recommends chromium-headless-shell fonts-open-sans fonts-noto-color-emoji >/dev/null)
	@npm ci --prefix docs/cards --no-audit --no-fund --silent

# The storage account that tests of Azure's tables and queues use, from npm. Without Node.js those tests are skipped.
AZURITE := tests/azurite/node_modules/.package-lock.json
azurite:
ifeq ($(shell command -v npm),)
	@echo "There is no Node.js here: what is about Azure's tables and queues is not tested."; test -z "$$CI"
else
	@$(MAKE) --no-print-directory $(AZURITE)
endif

$(AZURITE): tests/azurite/package-lock.json
	@npm ci --prefix tests/azurite --no-audit --no-fund --silent

sandbox: setup
	@$(BIN)/holdfast sandbox

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

hard: setup
	$(BIN)/python -m pytest -m hard -n auto

# Stories drawn by lot, such as SEEDS=0..1999, told by as many processes as there are processors, or by WORKERS=1.
# SEEDS=17 tells one in full, and SEEDS="keep 17" writes down the short form of one that does not hold.
SEEDS ?= 0..40
simulate: setup
	$(BIN)/python -W ignore -m tests.simulation $(SEEDS) $(if $(WORKERS),--workers $(WORKERS))

# Bugs planted in the product, each of which a story has to notice; `python -m tests.simulation mutants` looks for others.
mutants: setup
	$(BIN)/python -m pytest -m "hard or not hard" -n auto tests/simulation/test_mutants.py

# What a mailbox costs: PEOPLE=2000 in a firm of that size, SCALE=1 in a small firm and a big one.
bench: setup
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-bench.txt
	@$(BIN)/python -m benchmarks $(if $(SCALE),--scale,$(PEOPLE))

# What a sweep in shards carries, each kept in benchmarks/load.md: from a thousand people to a hundred thousand, in memory;
# PEOPLE=2000 over HTTP on Azurite and on SQLite; and how long it takes from a touch to a calendar put right.
scale: setup
	@$(BIN)/python -m benchmarks.fan_out

load: setup azurite
	@$(BIN)/python -m benchmarks.load $(PEOPLE)

latency: setup azurite
	@$(BIN)/python -m benchmarks.latency $(PEOPLE)

# What is deployed to Azure: build/package and the same as build/holdfast.zip, for the Python that the app runs on there.
PYTHON_VERSION ?= 3.12
package: setup
	@$(BIN)/python -m tools.package $(PYTHON_VERSION)

# Makes it for the Python of .venv, unpacks it elsewhere, and runs the tests of functions and of Graph on it.
package-test: setup
	@$(BIN)/python -m tools.package_test

# Types are checked beside the tests: that takes a processor two minutes without a cache.
check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(MAKE) --jobs=2 types suites
	$(MAKE) cards PICTURES=build/pictures

types: setup
	$(BIN)/mypy

suites: setup azurite browser
	$(MAKE) test
	HOLDFAST_PEOPLE=100 $(BIN)/python -m pytest -m hard -n auto --ignore=tests/simulation/test_mutants.py

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache build *.egg-info

# The two commands a newcomer needs are `make drill` and `make test`; everything sets up its own virtual environment.

VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
# Most of a whole run's tests wait for something half of the time.
WORKERS ?= $(shell expr 2 '*' $$(getconf _NPROCESSORS_ONLN))
N ?= 20
JOBS ?= 2

.PHONY: help setup drill test fast lint lock newest bench torture clean

help:  ## What there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(VENV)/.ready: pyproject.toml requirements.lock
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Gameday needs Python 3.11 or newer")'
	@echo "setting up $(VENV): a minute or two, once"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

setup: $(VENV)/.ready  ## The virtual environment, with everything in it

drill: setup  ## Run drills/payment-gateway-outage on the embedded sandbox
	$(BIN)/gameday run payment-gateway-outage

test: setup  ## The whole test suite
	@echo "the drills first, two at a time: their times are held against the shop's own log, so nothing else may starve the shoppers"
	@failed=0; \
	$(BIN)/python -m pytest -n 2 --dist worksteal tests/e2e/test_drills.py || failed=$$?; \
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --ignore tests/e2e/test_drills.py tests || failed=$$?; \
	exit $$failed

fast: lint  ## What is quick: format, lint, types, import contracts, and the tests of the rules
	$(BIN)/python -m pytest -q -n auto --dist worksteal tests/unit

lint: setup  ## Format, lint, types, import contracts
	$(BIN)/ruff format --check runner tests drills
	$(BIN)/ruff check runner tests drills
	$(BIN)/mypy
	$(BIN)/lint-imports

lock:  ## Renew requirements.lock: the newest versions within the bounds of pyproject.toml, with their hashes
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/pip install --quiet --disable-pip-version-check --upgrade uv
	$(VENV)-lock/bin/uv pip compile --quiet --upgrade --universal --generate-hashes --extra dev \
		--custom-compile-command 'make lock' --output-file requirements.lock pyproject.toml

newest:  ## Try the newest versions within the bounds of pyproject.toml, in an environment of their own
	$(PYTHON) -m venv --clear $(VENV)-newest
	$(VENV)-newest/bin/pip install --quiet --disable-pip-version-check -e '.[dev]'
	$(VENV)-newest/bin/gameday list
	$(VENV)-newest/bin/python -m pytest -q -n auto --dist worksteal tests/unit tests/screens/test_tui_snapshots.py

bench: setup  ## The figures, side by side with the peers
	$(BIN)/python tests/benchmarks

torture: setup  ## Hit real runs at random moments and see what is left behind; N=200 JOBS=4 for more trials (as root)
	$(BIN)/python tests/faults --n $(N) --jobs $(JOBS)

clean:  ## Take the virtual environment and the caches away
	rm -rf $(VENV) $(VENV)-lock $(VENV)-newest .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache

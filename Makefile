# Two commands set everything up: `make demo` (runtime only) and `make test` (everything, all checks).
# Both work in a fresh clone with Python 3.11 or newer, git and make.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --quiet
NPM ?= npm
SOURCES := speech_lstm export runtime models tests benchmarks

.DEFAULT_GOAL := help
.PHONY: help python demo test lint typecheck browser c pytest clean

help:
	@echo "make demo       set up $(VENV) with the runtime and recognise the bundled recordings"
	@echo "make test       set up $(VENV) with everything, then ruff, mypy, the browser package (where npm is) and pytest"
	@echo "make lint | typecheck | browser | pytest   one of the checks, in $(VENV)"
	@echo "make clean      remove $(VENV), caches and build folders"

# A clear message instead of a stack trace when Python is too old or lacks venv (Debian splits it off).
python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "speech-lstm needs Python 3.11 or newer, and '$(PYTHON)' is not." >&2; \
	  echo "On Debian 12 or newer: apt-get install python3 python3-venv" >&2; \
	  echo "Or name another one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "'$(PYTHON)' cannot make virtual environments: its venv module is missing." >&2; \
	  echo "On Debian: apt-get install python3-venv" >&2; exit 1; }

$(BIN)/python: | python
	$(PYTHON) -m venv $(VENV)
	$(PIP) --upgrade pip

# A stamp file records that an installation finished, so an interrupted one is done again.
$(VENV)/.runtime: pyproject.toml | $(BIN)/python
	@echo "Installing the runtime into $(VENV) (downloads about 250 MB the first time)"
	$(PIP) --editable .
	@touch $@

$(VENV)/.everything: pyproject.toml | $(BIN)/python
	@echo "Installing everything into $(VENV) (downloads about 3 GB the first time and needs 10 GB of disk meanwhile, PyTorch is most of it)"
	$(PIP) --editable '.[mic,train,dev]'
	@touch $@ $(VENV)/.runtime

demo: $(VENV)/.runtime
	@echo
	@echo "== Single words, out of a list of 36, by speakers the model has never heard (the file name says the word) =="
	$(BIN)/speech-lstm transcribe --grammar tests/data/words.txt tests/data/words/*.opus
	@echo
	@echo "== Whole sentences, out of a list =="
	$(BIN)/speech-lstm transcribe --grammar tests/data/sentences.txt tests/data/sentences/*.opus

test: $(VENV)/.everything lint typecheck browser c pytest

lint: $(VENV)/.everything
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check --quiet $(SOURCES)

typecheck: $(VENV)/.everything
	$(BIN)/mypy -p speech_lstm -p tests -p benchmarks

# The package for browsers: types, tests on the golden vectors, and the example page that pytest then opens in chromium.
ifneq ($(shell command -v $(NPM) 2>/dev/null),)
browser: browser/node_modules/.package-lock.json
	cd browser && $(NPM) run --silent check && $(NPM) run --silent test && $(NPM) run --silent build

browser/node_modules/.package-lock.json: browser/package-lock.json
	@echo "Installing what the browser package needs into browser/node_modules (downloads about 50 MB the first time)"
	cd browser && $(NPM) ci --no-audit --no-fund --silent
	@touch $@
else
browser:
	@echo "SKIPPED: the browser package is neither built nor tested, because $(NPM) is not there: apt-get install npm"
endif

ifeq ($(and $(shell command -v cmake 2>/dev/null),$(shell command -v cc 2>/dev/null)),)
c:
	@echo "SKIPPED: the C library is neither built nor tested, because cmake or cc is not there: apt-get install cmake gcc libc6-dev make"
else
c:
	@echo "The C library is built and tested by pytest (tests/test_c.py)"
endif

pytest: $(VENV)/.everything
	$(BIN)/python -m pytest -n 2 --dist loadfile

clean:
	rm -rf $(VENV) build dist *.egg-info browser/dist browser/node_modules .mypy_cache .pytest_cache .ruff_cache .hypothesis

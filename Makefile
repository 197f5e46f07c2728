# The commands of a developer. `make run` and `make test` need python3 >= 3.11 and nothing else.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev
MAKEFLAGS += --no-print-directory

.DEFAULT_GOAL := help
.PHONY: help run test test-fast check bench docs system clean

help:
	@echo "make run        start everything on this machine: http://localhost:8080"
	@echo "make test       all checks and all tests"
	@echo "make test-fast  the tests that take no more than a moment"
	@echo "make check      formatting, lints, types"
	@echo "make bench      the benchmarks"
	@echo "make docs       write the generated pages of docs/"
	@echo "make clean      remove the environment and all caches, not chat-data"

# exec: Ctrl-C reaches chat itself, which drains, stops its Redis and ends.
run: $(INSTALLED)
	@exec $(BIN)/chat up --local

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "This needs Python 3.11 or newer as '$(PYTHON)': install it, or say make PYTHON=/path/to/python3." >&2; \
	  exit 1; }
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV) >/dev/null 2>&1 || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    echo "Installing python3-venv ..."; \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv >/dev/null; \
	    rm -rf $(VENV); $(PYTHON) -m venv $(VENV); \
	  else \
	    rm -rf $(VENV); \
	    echo "Python cannot make an environment here: install its venv module (Debian, Ubuntu: sudo apt-get install python3-venv)." >&2; \
	    exit 1; \
	  fi; }

$(INSTALLED): pyproject.toml | $(BIN)/pip
	@echo "Installing into $(VENV) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check -e '.[embedded]'
	@touch $@

# `pip install --group` came with pip 25.1.
$(INSTALLED_DEV): $(INSTALLED)
	@echo "Installing what the tests need into $(VENV) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	@$(BIN)/pip install --quiet --disable-pip-version-check -e '.[embedded,loadtest]' --group dev
	@touch $@

# A browser for the page's tests, a Redis that is not the embedded one, and HAProxy.
system:
	@missing=""; \
	command -v redis-server >/dev/null || missing="$$missing redis-server"; \
	command -v haproxy >/dev/null || missing="$$missing haproxy"; \
	command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null \
	  || missing="$$missing chromium fonts-dejavu-core"; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "Installing$$missing ..."; \
	  apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	else \
	  echo "The tests need:$$missing. Install it (Debian: sudo apt-get install$$missing)." >&2; \
	  exit 1; \
	fi

check: $(INSTALLED_DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: system check
	$(BIN)/pytest

test-fast: $(INSTALLED_DEV)
	$(BIN)/pytest -m 'not slow and not chaos and not browser and not conformance'

bench: $(INSTALLED_DEV)
	$(BIN)/python -m benchmarks

docs: $(INSTALLED)
	$(BIN)/python -m chat.ops.tables docs

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist

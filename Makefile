# The commands of a developer. `make run` and `make test` need python3 >= 3.11 and nothing else.

PYTHON ?= python3
VENV := .venv
# Processes that share the tests: most of the time a test waits.
JOBS ?= 3
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
INSTALLED_DEV := $(VENV)/.installed-dev
INSTALLED_CONTAINERS := $(VENV)/.installed-containers
MAKEFLAGS += --no-print-directory

.DEFAULT_GOAL := help
.PHONY: help run test test-fast check bench docs image secrets lock k8s-rules system \
  containers-system later-haproxy asyncapi-schema grafana-schema clean

help:
	@echo "make run        start everything on this machine: http://localhost:8080 (WEBHOOK=URL: docs/webhooks.md)"
	@echo "make test       all checks and all tests"
	@echo "make test-fast  the tests that take no more than a moment"
	@echo "make check      formatting, lints, types"
	@echo "make bench      the benchmarks"
	@echo "make docs       write the generated pages of docs/"
	@echo "make k8s-rules  write the alert rules of deploy/prometheus for Kubernetes"
	@echo "make image      build the container images chat:local and chat-loadtest:local"
	@echo "make secrets    make the secrets of docker-compose.yml, for development"
	@echo "make lock       pin what the image installs: deploy/requirements*.lock"
	@echo "make clean      remove the environment and all caches, not chat-data"

# exec: Ctrl-C reaches chat itself, which drains, stops its Redis and ends.
run: $(INSTALLED)
	@exec $(BIN)/chat up --local $(if $(WEBHOOK),--webhook '$(WEBHOOK)')

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
	@$(BIN)/pip install --quiet --disable-pip-version-check -e '.[embedded,loadtest,s3]' --group dev
	@touch $@

# A browser for the page's tests, a Redis that is not the embedded one, HAProxy, and Node for the SDK.
system:
	@missing=""; \
	command -v redis-server >/dev/null || missing="$$missing redis-server"; \
	command -v haproxy >/dev/null || missing="$$missing haproxy"; \
	command -v node >/dev/null || missing="$$missing nodejs"; \
	command -v npm >/dev/null || missing="$$missing npm"; \
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

$(INSTALLED_CONTAINERS): $(INSTALLED_DEV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --group containers
	@touch $@

# A Docker engine that the tests start and end themselves. Under systemd the package would start
# another one for good, so there it is yours to install.
containers-system: $(INSTALLED_CONTAINERS)
	@missing=""; \
	command -v dockerd >/dev/null || missing="$$missing docker.io"; \
	for program in iptables mmdebstrap openssl; do \
	  command -v $$program >/dev/null || missing="$$missing $$program"; \
	done; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && [ ! -d /run/systemd/system ]; then \
	  echo "Installing$$missing ..."; \
	  apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	else \
	  echo "Tests in containers are left out: they need root and$$missing." >&2; \
	fi

# HAProxy with QUIC for the tests of HTTP/3, that of Debian 13 beside its own libraries, where what
# is on PATH has none. The wrapper names itself: a master starts itself again to reload.
later-haproxy: $(INSTALLED_DEV)
	@if haproxy -vv 2>/dev/null | grep -q +QUIC || test -x $(VENV)/haproxy/haproxy; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v mmdebstrap >/dev/null; then \
	  echo "Fetching a HAProxy with QUIC ..."; \
	  rm -rf $(VENV)/haproxy && mkdir -p $(VENV)/haproxy && cd $(VENV)/haproxy && \
	  mmdebstrap --quiet --variant=extract --include=haproxy trixie root && \
	  printf '%s\n' '#!/bin/sh' 'root=$$(dirname "$$0")/root' 'exec "$$root"/usr/lib/*/ld-linux-*.so.? --argv0 "$$0" \' \
	    '  --library-path "$$(dirname "$$root"/usr/lib/*/libc.so.6)" "$$root/usr/sbin/haproxy" "$$@"' > haproxy && \
	  chmod +x haproxy; \
	else \
	  echo "Tests of HTTP/3 are left out: they need a HAProxy with QUIC, or root and mmdebstrap to fetch one." >&2; \
	fi

# The official JSON Schema of AsyncAPI documents, which no package of PyPI has.
asyncapi-schema: $(INSTALLED_DEV)
	@if command -v npm >/dev/null; then \
	  test -d $(VENV)/node_modules/@asyncapi/specs || npm install --silent --no-audit --no-fund \
	    --ignore-scripts --no-save --prefix $(VENV) @asyncapi/specs@6.11.1 >/dev/null; \
	else \
	  echo "docs/asyncapi.json is not held against AsyncAPI's own schema: that needs npm." >&2; \
	fi

# The types that Grafana publishes of its dashboards, and a compiler to hold ours against them.
grafana-schema: $(INSTALLED_DEV)
	@if command -v npm >/dev/null; then \
	  for each in 12.1.0=@grafana/schema@12.1.0 13.2.3=@grafana/schema@13.2.3 typescript=typescript@5.9.3; do \
	    folder="$(VENV)/grafana/$${each%%=*}"; \
	    test -d "$$folder/node_modules" || npm install --silent --no-audit --no-fund \
	      --ignore-scripts --no-save --prefix "$$folder" "$${each#*=}" >/dev/null || exit 1; \
	  done; \
	else \
	  echo "Dashboards are not held against Grafana's own types: that needs npm." >&2; \
	fi

check: $(INSTALLED_DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: system containers-system later-haproxy asyncapi-schema grafana-schema check
	$(BIN)/pytest --numprocesses=$(JOBS) --dist=loadscope --no-loadscope-reorder

test-fast: $(INSTALLED_DEV)
	$(BIN)/pytest -m 'not slow and not chaos and not browser and not conformance and not containers'

bench: $(INSTALLED_DEV)
	$(BIN)/python -m benchmarks

docs: $(INSTALLED)
	$(BIN)/python -m chat.ops.tables docs
	$(BIN)/chat asyncapi > docs/asyncapi.json.part && mv docs/asyncapi.json.part docs/asyncapi.json
	$(BIN)/python -m deploy.grafana.dashboards

BUILD := docker build --build-arg VERSION="$$($(PYTHON) -c 'import chat; print(chat.__version__)')" \
  --build-arg REVISION="$$(git rev-parse --short HEAD)"

image:
	DOCKER_BUILDKIT=1 $(BUILD) --tag chat:local .
	DOCKER_BUILDKIT=1 $(BUILD) --tag chat-loadtest:local --target loadtest .

secrets:
	@deploy/make-secrets.sh

# For any platform and any Python from 3.11 on; without the address of the index it came from.
COMPILE := $(BIN)/uv pip compile --quiet --no-config --universal --python-version 3.11 \
  --generate-hashes --custom-compile-command 'make lock'

lock: $(INSTALLED)
	@$(BIN)/pip install --quiet --disable-pip-version-check 'uv>=0.8'
	$(COMPILE) pyproject.toml --extra s3 -o deploy/requirements.lock
	$(COMPILE) pyproject.toml --extra s3 --extra loadtest -c deploy/requirements.lock \
	  -o deploy/requirements-loadtest.lock
	echo 'hatchling>=1.27' | $(COMPILE) - -o deploy/requirements-build.lock

k8s-rules:
	@cd deploy/k8s/components/monitoring && ./rule.sh > prometheus-rule.part && mv prometheus-rule.part prometheus-rule.yaml

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist clients/js/node_modules clients/js/types

# The one entry: people, CI and the README call these targets and nothing else.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check -qq

# A test waits for processes and connections most of its time; those of one file stay together.
TESTS_AT_ONCE ?= 3

# ONNX Runtime reports its use to its maker unless this is set before it is first imported.
export ORT_DISABLE_TELEMETRY := 1

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev setup-roles demo up check render lint test cluster-tools test-cluster lint-roles test-roles bench bench-peers bench-editing protobuf lock clean image

help: ## Show what each target does
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 15

setup: $(VENV)/.run-ready ## Install what the demo and the local engine need into .venv

setup-dev: $(VENV)/.dev-ready ## Install the test and lint tools as well

setup-roles: $(VENV)/.roles-ready ## Install Ansible and the tools that test the roles

demo: setup ## Serve the samples, shift, promote, break, roll back, kill; KEEP=1 leaves it running
	$(BIN)/python -m examples.demo $(if $(KEEP),--keep)

up: setup ## Serve the environment `local` of this repository's current branch
	$(BIN)/modelctl up

check: setup ## Validate every model, release and environment
	$(BIN)/modelctl check

render: setup ## Write every generated file
	$(BIN)/modelctl render

lint: setup-dev ## Format check, lint, types, layers, YAML style
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/yamllint --strict .

test: setup-dev ## Unit, property, golden and end-to-end tests
	$(BIN)/python -m pytest -m "not roles and not cluster" -n $(TESTS_AT_ONCE) --dist loadfile

cluster-tools: ## Build programs of Kubernetes and Envoy Gateway for tests (Go; minutes, once)
	$(PYTHON) tests/cluster/tools.py

test-cluster: setup-dev cluster-tools ## Test on a real API server, Envoy Gateway and Envoy (Linux; Go, etcd)
	$(PYTHON) tests/cluster/private.py $(BIN)/python -m pytest -m cluster tests/cluster

lint-roles: setup-roles ## Lint roles and playbooks: ansible-lint's profile production, strict
	PATH=$(CURDIR)/$(BIN):$$PATH PYTHONPATH=tests/roles $(BIN)/python -m harness.lint

test-roles: setup-roles ## Test every role and playbook in containers, or ROLE=x alone (root, podman; no network)
	$(BIN)/python tests/roles/run.py $(ROLE)

bench: setup-dev ## Compare the model server with bare ONNX Runtime and a naive FastAPI application
	$(BIN)/python -m serving.bench --seconds 1

image: setup-dev ## Build the model server's image from Debian's packages, try it, print its digest
	serving/image/build.sh >/dev/null
	MODELSERVER_IMAGE_FOLDER=$(CURDIR)/.modelctl/image $(BIN)/python -m pytest tests/serving/image
	@cat .modelctl/image/digest; echo

PEERS := mlserver,mlserver-batching,kserve,bentoml,litserve,ray,pytriton,mosec

bench-peers: setup-dev ## Compare with other model servers too, each in a virtual environment of its own
	$(BIN)/python -m serving.bench --layouts one-core,both-cores --peers $(PEERS)

bench-editing: setup-dev ## Measure check, edits and history on generated fleets, beside other checkers
	$(BIN)/python -m tests.bench

protobuf: setup-dev ## Compile the protos of the gRPC services for the model server
	$(BIN)/python -m serving.protobuf.generate

LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-annotate --custom-compile-command 'make lock'

lock: setup-dev ## Resolve the lock files anew (needs the package index)
	$(LOCK) --upgrade pyproject.toml serving/pyproject.toml --extra local --extra cluster --extra simdjson --extra stores --extra uvloop --extra grpc --group pyproject.toml:dev -o requirements-dev.lock
	$(LOCK) -c requirements-dev.lock pyproject.toml serving/pyproject.toml --extra local --extra cluster --extra simdjson --extra stores --extra uvloop --extra grpc --group pyproject.toml:build -o requirements.lock
	$(LOCK) -c requirements-dev.lock serving/pyproject.toml --extra simdjson --extra stores --extra uvloop --extra grpc --extra zstd -o serving/requirements.lock
	$(LOCK) -c requirements-dev.lock serving/pyproject.toml --extra simdjson --extra stores --extra uvloop --extra grpc --extra zstd --extra gpu --no-emit-package onnxruntime -o serving/requirements-gpu.lock
	$(LOCK) -c requirements-dev.lock --group pyproject.toml:roles -o requirements-roles.lock
	for folder in modelctl/packaging/converters/*/; do \
	  [ ! -e $$folder/requirements.in ] || $(LOCK) --upgrade $$folder/requirements.in -o $$folder/requirements.lock || exit; \
	done

clean: ## Remove everything that the other targets made
	rm -rf $(VENV) .modelctl .import_linter_cache .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist

$(BIN)/python:
	@command -v git >/dev/null || { echo "git is missing: install it (Debian: apt-get install git)" >&2; exit 1; }
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing: install Python 3.11 or newer, or name it: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$$($(PYTHON) --version) is too old: Python 3.11 or newer is needed; name another: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Python's venv module is missing: install it (Debian: apt-get install python3-venv)" >&2; exit 1; }
	@echo "setup: 1 of 3: create $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run-ready: requirements.lock pyproject.toml serving/pyproject.toml | $(BIN)/python
	@echo "setup: 2 of 3: install what modelctl and its server need"
	@$(BIN)/python .ci/install.py requirements.lock
	@echo "setup: 3 of 3: install modelctl and modelserver from this checkout"
	@$(PIP) install --no-deps --no-build-isolation -e . -e serving
	@echo "setup: done; next: source $(VENV)/bin/activate, then modelctl up"
	@touch $@

$(VENV)/.dev-ready: requirements-dev.lock $(VENV)/.run-ready
	@echo "setup-dev: install the test and lint tools"
	@$(BIN)/python .ci/install.py requirements-dev.lock
	@touch $@

$(VENV)/.roles-ready: requirements-roles.lock $(VENV)/.dev-ready
	@echo "setup-roles: install Ansible and the tools that test the roles"
	@$(BIN)/python .ci/install.py requirements-roles.lock
	@touch $@

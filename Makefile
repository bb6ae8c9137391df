# The whole workflow. Each target sets up what it needs: only Python 3.11 or newer and make must be there.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help plan demo cluster-demo migrate compare ui atlas test test-cluster coverage check bench bench-gpu screenshots

PYTHON ?= $(shell for candidate in python3.11 python3.12 python3.13 python3; do \
	if $$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	then echo $$candidate; break; fi; done)
PORT ?= 3000
ATLAS_PORT ?= 3001
ARGS ?=

export DAGSTER_HOME := $(CURDIR)/data/dagster_home

installed := .venv/.installed
instance := data/dagster_home/dagster.yaml

help: ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' Makefile

plan: $(installed) ## what demo would do, and how long it would take, before it does it
	.venv/bin/sieve plan

demo: $(installed) $(instance) ## interpret and verify the embedded targets' neurons, through Dagster
	.venv/bin/sieve demo

cluster-demo: $(installed) ## the same on workers, PostgreSQL, Redis and S3 as processes here, compared (ARGS="--workers 4")
	.venv/bin/sieve cluster-demo $(ARGS)

compare: $(installed) $(instance) ## the same, beside other methods' names (compare.toml): tables, and figures in comparison/
	SIEVE_STUDY=compare.toml .venv/bin/sieve compare

ui: $(installed) $(instance) ## the Dagster UI over what demo made (PORT=3000), and the atlas its links lead to
	.venv/bin/sieve ui --workspace workspace.yaml --port $(PORT) --atlas-port $(ATLAS_PORT)

atlas: $(installed) ## the neuron atlas of what demo made, opened from disk
	.venv/bin/sieve atlas

migrate: $(installed) ## tables of an older version to this one; or all results elsewhere (ARGS="--to … --store …")
	.venv/bin/sieve migrate $(ARGS)

test: $(installed) ## all tests; they need no accelerator, but a browser (ARGS="-k name")
	.venv/bin/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder $(ARGS)

test-cluster: $(installed) ## the tests that start servers: PostgreSQL and Redis must be installed
	.venv/bin/python -m pytest -m cluster $(ARGS)

coverage: $(installed) ## the same, with the lines no test reaches
	.venv/bin/python -m pytest --cov $(ARGS)

check: $(installed) ## style, types and who may import whom
	.venv/bin/python -m ruff check
	.venv/bin/python -m ruff format --check
	.venv/bin/python -m pyright
	.venv/bin/lint-imports

bench: $(installed) ## what the pipeline costs, each figure beside its goal (ARGS="wide growth")
	.venv/bin/python -m benchmarks $(ARGS)

bench-gpu: $(installed) ## the same questions on a GPU (ARGS="--images 5000")
	.venv/bin/python -m benchmarks.gpu $(ARGS)

screenshots: $(installed) ## the pictures of the UI in the docs, from what demo made
	.venv/bin/python -m benchmarks.screenshots

$(installed): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "make: expected Python 3.11 or newer, found none." \
		"Install python3.11, or say where it is: make PYTHON=/path/to/python" >&2; exit 1; }
	@test -x .venv/bin/pip || $(PYTHON) -m venv --clear .venv || { rm -rf .venv; \
		echo "make: $(PYTHON) cannot make environments. On Debian: apt install python3-venv" >&2; exit 1; }
	@echo "Installing into .venv: some minutes and about 6 GB the first time"
	.venv/bin/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@

$(instance): sieve_assets/dagster.yaml
	@mkdir -p $(@D)
	@cp $< $@

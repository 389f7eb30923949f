# Each target makes its own virtual environment if there is none.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: help demo docs test oldest lint bench results wheel clean

help: ## what each target does
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /make \1\t/' | expand -t 16

demo: $(VENV)/.run ## train two small networks on real data, and name the files to open
	$(BIN)/python -m experiments demo

docs: $(VENV)/.docs ## the documentation, with every example run
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html
	@echo "Open docs/_build/html/index.html"

test: $(VENV)/.test ## install what the tests need and run them (ARGS='-k word' for some)
	MPLBACKEND=Agg OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --dist worksteal $(ARGS)

oldest: ## the tests with the oldest versions that setup.cfg admits, in an environment of its own (PYTHON=python3.10)
	$(PYTHON) -m venv .venv-oldest
	.venv-oldest/bin/python -m pip install --quiet --upgrade pip
	.venv-oldest/bin/python .ci/oldest.py > .venv-oldest/constraints.txt
	.venv-oldest/bin/python -m pip install --quiet --constraint .venv-oldest/constraints.txt --editable '.[test]'
	.venv-oldest/bin/python -m pip install --quiet --no-deps facenet-pytorch
	MPLBACKEND=Agg OMP_NUM_THREADS=1 .venv-oldest/bin/python -m pytest --numprocesses auto --dist worksteal $(ARGS)

lint: $(VENV)/.test ## style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.run ## what probing costs beside a forward pass
	$(BIN)/python -m experiments.benchmark $(ARGS)

results: $(VENV)/.test ## run every study anew and write docs/results.md
	$(BIN)/python -m experiments results $(ARGS)

wheel: $(BIN)/python ## build wheel and sdist, and run the five lines from the wheel in an environment of its own
	rm -rf build dist .venv-wheel
	$(BIN)/python -m pip install --quiet --editable '.[release]'
	$(BIN)/python -m build --outdir dist .
	$(PYTHON) -m venv .venv-wheel
	.venv-wheel/bin/python -m pip install --quiet dist/*.whl
	.venv-wheel/bin/python -I .ci/five_lines.py
	@ls dist

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/.run: $(BIN)/python setup.cfg pyproject.toml
	@echo "Installing (about two minutes the first time) ..."
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.test: $(BIN)/python setup.cfg pyproject.toml
	@echo "Installing what the tests need (about two minutes the first time) ..."
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
# facenet-pytorch: its file of weights is read and its code is not run, so that its old requirements do not matter
	$(BIN)/python -m pip install --quiet --no-deps facenet-pytorch
	@touch $@ $(VENV)/.run

$(VENV)/.docs: $(VENV)/.test
	$(BIN)/python -m pip install --quiet --editable '.[dev,docs]'
	@touch $@

clean: ## remove the environment and what tools left behind
	rm -rf $(VENV) .venv-wheel .venv-oldest build dist docs/_build docs/_made *.egg-info .pytest_cache .mypy_cache .ruff_cache

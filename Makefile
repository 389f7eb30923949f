# Each target makes its own virtual environment if there is none.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: demo test lint bench results clean

demo: $(VENV)/.run
	$(BIN)/python -m experiments demo

test: $(VENV)/.test
	MPLBACKEND=Agg OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto $(ARGS)

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.run
	$(BIN)/python -m experiments.benchmark $(ARGS)

results: $(VENV)/.test
	$(BIN)/python -m experiments results $(ARGS)

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

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache

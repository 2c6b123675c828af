# `make demo` runs the main job, `make test` proves it. Both set everything up in .venv first.
PYTHON ?= python3
BIN := .venv/bin
SOURCES := blogsvc tests migrations examples benchmarks

.PHONY: demo test lint types format bench bench-quick clean

demo: .venv/ready
	$(BIN)/aerich upgrade
	$(BIN)/blogsvc import samples
	$(BIN)/blogsvc list --limit 5
	$(BIN)/blogsvc describe

test: lint types
	$(BIN)/pytest -n auto --dist loadfile

lint: .venv/ready
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)

types: .venv/ready
	$(BIN)/mypy

format: .venv/ready
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

bench: .venv/bench
	$(BIN)/python -m benchmarks

bench-quick: .venv/bench
	$(BIN)/python -m benchmarks --quick

# A fresh machine next year gets what is pinned in constraints.txt.
.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "blogsvc needs Python 3.11 or newer; try make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	touch $@

.venv/bench: .venv/ready
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[bench]'
	touch $@

clean:
	rm -rf .venv dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

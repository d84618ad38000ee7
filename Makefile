# Every target sets up what it needs by itself; `make` lists them.
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
BIN := .venv/bin
# More than there are cores: much of a test is waiting for a process, a page or tor.
WORKERS ?= 3
# Many tests watch real processes, and a machine that does other things at the time can make one late: what failed is
# run once more, alone, and counts only then. (A worker that dies is no failure of one test: pytest ends with another code.)
AGAIN = [ $$? -eq 1 ] && $(BIN)/pytest -n 0 --last-failed --last-failed-no-failures none

# Some machines keep Python from storing what it compiled; the suite starts the program hundreds of times, and each
# would compile it anew.
unexport PYTHONDONTWRITEBYTECODE

help:  ## this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

run: .venv/.run  ## start the watcher: with watcher.toml if there is one, else on the practice site, offline
	@if [ -f watcher.toml ]; then exec $(BIN)/watcher run; else exec $(BIN)/watcher practice; fi

test: .venv/.test .venv/.system .venv/.oracles  ## run the tests
	$(BIN)/pytest -n $(WORKERS) --dist loadgroup --max-worker-restart 0 || { $(AGAIN); }

check: .venv/.test .venv/.system .venv/.oracles docs  ## format, lint, types, docs, tests with coverage
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest -n $(WORKERS) --dist loadgroup --cov --cov-report=term:skip-covered

demo: .venv/.run  ## the whole story offline, in under a minute
	@$(BIN)/watcher demo

docs: .venv/.docs  ## docs/ as a site, in build/docs; a broken link is a failure
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet -f .ci/mkdocs.yml
	@! grep -rlE '<(script|link|img|iframe)[^>]*(src|href)="?https?://' build/docs || { echo "nothing may come from another host" >&2; exit 1; }

reference: .venv/.test  ## make the reference pages of docs/ anew, from the program
	@$(BIN)/python -m tests.reference

case: .venv/.test  ## try one folder of snapshots/cases: make case CASE=clop
	@$(BIN)/pytest -q -n 0 tests/core/test_cases.py -k "$(CASE)"

bench: .venv/.test  ## what is measured, as ratios within one run
	$(BIN)/python -m benchmarks

lock: .venv/.run  ## lock what the watcher needs to run: docs/requirements.lock, with the hash of every file
	@sh .ci/lock lock

sbom: .venv/.run  ## a CycloneDX bill of materials of it: dist/sbom.cdx.json
	@sh .ci/lock sbom

mutants: .venv/.test  ## put faults into the decision and the proofs: the tests must notice; some minutes
	$(BIN)/python -m tests.mutants

fuzz: .venv/.test  ## look for inputs that break a promise, FUZZ_SECONDS (600) each target; what is new is kept in .fuzz
	$(BIN)/python -m tests.fuzz.run

soak: .venv/.test .venv/.system  ## half an hour of every fault at random; then all must be well
	$(BIN)/python -m benchmarks.soak

clean:  ## remove the environment and caches (never the store)
	rm -rf .venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info

.venv/.run: pyproject.toml docs/requirements.lock .ci/setup
	@PYTHON=$(PYTHON) sh .ci/setup run

.venv/.test: pyproject.toml tests/constraints.txt .ci/setup
	@PYTHON=$(PYTHON) sh .ci/setup test

.venv/.docs: pyproject.toml tests/constraints.txt .ci/setup .venv/.test
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint tests/constraints.txt --editable '.[docs,test]' && touch $@

.venv/.system: .ci/setup .venv/.test
	@sh .ci/setup system

.venv/.oracles: tests/oracles/requirements.txt tests/oracles/setup .venv/.test
	@sh tests/oracles/setup && touch $@

.PHONY: help run test check demo docs reference case bench lock sbom mutants fuzz soak clean

# Two commands are enough: `make nightly` and `make test`. Everything they need is set up on the way.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
export OMP_WAIT_POLICY := PASSIVE
export DO_NOT_TRACK := true
export MLFLOW_DISABLE_TELEMETRY := true
export MLFLOW_SERVER_ENABLE_JOB_EXECUTION := false

.DEFAULT_GOAL := help
.PHONY: help setup setup-spark nightly ui test test-all faults check docs backtest bench six-months clean lock

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## make .venv from the lock, and .env for Dagster's own commands

# uv does the same as pip, only faster, so it is used where it is there. --no-deps: the lock is the whole list.
$(READY): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	@if command -v uv >/dev/null 2>&1; then \
		uv pip install --python $(BIN)/python --no-deps --require-hashes -r requirements.lock && \
		uv pip install --python $(BIN)/python --no-deps --no-build-isolation -e . ; \
	else \
		echo "installing some 200 packages with pip (about two minutes, 2 GB) ..." && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock && \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . ; \
	fi
	$(BIN)/hemsil setup
	@touch $@

setup-spark: $(READY) ## Apache Spark beside the rest (434 MB; needs Java 17): docs/how-to/run-on-spark.md
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --require-hashes -r requirements-spark.lock
	$(BIN)/python -c "from resources.engine import lacking_for_spark as lacking; print('; '.join(lacking('local[2]')) or 'Spark can be used')"

nightly: $(READY) ## tonight's work: features, model, scores, decisions, published tables
	$(BIN)/hemsil nightly

ui: $(READY) ## the Dagster UI, MLflow and the reports, on this machine only
	$(BIN)/hemsil ui

test: $(READY) ## the tests (some minutes)
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

test-all: $(READY) ## every test, the slow ones too
	$(BIN)/python -m pytest -m ""

faults: $(READY) ## try to break every promise, as often as it asks for: docs/reliability.md
	FAULTS=full $(BIN)/python -m pytest tests -m promise -n auto --maxprocesses 4 --dist loadfile --promises=docs/measured/reliability.csv
	$(BIN)/python -m docs.generate

bench: $(READY) ## what it costs, beside its peers (some 90 minutes, 24 GB of memory): docs/performance.md
	$(BIN)/python -m benchmarks.publishing --save docs/measured/publishing.csv
	$(BIN)/python -m benchmarks.night --members 10000 40000 100000 1000000 --shards 8 --save docs/measured/night.csv
	$(BIN)/python -m benchmarks.peers --members 10000 --in-memory 40000 --save docs/measured/peers.csv
	$(BIN)/python -m benchmarks.peers_of_fitting --members 10000 --examples 200000 10000000 --save docs/measured/peers_of_fitting.csv
	$(BIN)/python -m benchmarks.dagster_share --save docs/measured/dagster.csv
	$(BIN)/python -m docs.generate
	$(BIN)/python -m benchmarks.compare

six-months: $(READY) ## let invented members live with our decisions: docs/simulator.md
	$(BIN)/hemsil six-months --save docs/measured
	$(BIN)/python -m benchmarks.simulator --save docs/measured/simulator.csv
	$(BIN)/python -m docs.generate

check: $(READY) ## style, types, import contracts, docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m docs.generate --check

docs: $(READY) ## write the generated pages of docs/
	$(BIN)/python -m docs.generate

backtest: $(READY) ## replay the past and measure: docs/relevance.md
	$(BIN)/hemsil backtest

lock: ## compile requirements.in again (needs uv)
	uv pip compile requirements.in -o requirements.lock --universal --python-version 3.11 --generate-hashes \
		--no-strip-extras --no-header --no-annotate --no-emit-package nvidia-nccl-cu12

clean: ## remove .venv (data under .hemsil stays)
	rm -rf $(VENV)

# Everything a newcomer types. Only Python 3.11 and make are needed; `make` alone lists the targets.
PYTHON := $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
READY := .venv/.ready

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-heavy up down status lint format bench docs lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): requirements/dev.lock requirements/bootstrap.lock pyproject.toml deploy/setup.py
	@$(PYTHON) deploy/setup.py

.env: .env.example
	@$(PYTHON) deploy/setup.py

setup: $(READY) .env ## virtual environment from hash-pinned locks, .env with random secrets, directories

demo: setup ## services, data, marts, dashboards; prints the KPIs and what to open next
	@$(BIN)/gtc demo

test: setup ## the whole test suite, on embedded services of its own
	@$(BIN)/pytest

test-heavy: setup ## the long variants too (tens of GB streamed, the whole adapter suite, companies of other seeds)
	@$(BIN)/pytest -m "heavy or not heavy"

up: setup ## start the services and keep them up
	@$(BIN)/gtc up

down: ## stop the services
	@$(BIN)/gtc down

status: ## what runs, where, since when
	@$(BIN)/gtc status

lint: setup ## ruff, mypy, sqlfluff, yamllint, import rules, dbt gates, secrets
	@$(BIN)/python deploy/lint.py

format: setup ## rewrite Python in the house style
	@$(BIN)/ruff check --fix --quiet . && $(BIN)/ruff format .

bench: setup ## benchmarks, as ratios measured in one run
	@$(BIN)/pytest tests/performance -m "bench and not heavy" -o timeout=0 -q

docs: setup ## dbt documentation with lineage, into dbt_project/target
	@$(BIN)/gtc dbt docs generate

lock: setup ## resolve requirements/*.in again into hash-pinned locks
	@$(BIN)/python deploy/lock.py

clean: down ## remove the environment and generated output; data in var/ stays
	@rm -rf .venv .venv-superset .venv-superset.lock dbt_project/target .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

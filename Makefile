# 卡券通: every task has one command. `make` alone lists them.
.DEFAULT_GOAL := help
.PHONY: help setup setup-dev run test lint fix verify bench screens migration translations miniprogram lock clean
MAKEFLAGS += --no-print-directory
PYTHON ?= python3
export PYTHON
BIN := .venv/bin
PY := $(CURDIR)/$(BIN)/python
SOURCES := app runtime tests deploy migrations bench config.py program.py run.py run_commands.py
PRESENT = $(wildcard $(SOURCES))

help: ## List the tasks
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

setup: ## Make the environment in .venv from the locked requirements
	@bin/setup run

setup-dev: ## The same, with what tests and checks need
	@bin/setup dev

run: setup ## Start everything: database, web, jobs, WeChat simulator (Ctrl-C stops it)
	@PYTHONPATH=$(CURDIR) exec $(PY) -P runtime/die_with_parent.py $(PY) -P -m runtime.supervisor

test: setup-dev ## Run all tests, or some: make test T=tests/runtime
	@$(PY) -m tests.browser_at_hand
ifdef T
	@exec $(PY) -m pytest -n 2 --dist loadgroup $(T)
else
	@$(PY) -m tests.steady -n 2 --dist loadgroup --ignore tests/browser
	@# By themselves: they share one running product, and a browser's event loop suits no other test.
	@exec $(PY) -m tests.steady tests/browser
endif

lint: setup-dev ## Check format, code, types, layers, translations, templates
	@$(BIN)/ruff format --check $(PRESENT)
	@$(BIN)/ruff check $(PRESENT)
	@$(BIN)/mypy
	@PYTHONPATH=$(CURDIR) $(BIN)/lint-imports --no-cache
	@$(PY) -m runtime.translations check
	@if [ -n "$$(find app/templates -name '*.html' 2>/dev/null)" ]; then $(BIN)/djlint --quiet --lint app/templates; fi
	@if [ -f package-lock.json ]; then npm run --silent --if-present lint; fi
	@cd miniprogram && npm run --silent check

fix: setup-dev ## Mend what can be mended by itself: format, imports, simple findings
	@$(BIN)/ruff check --fix --quiet $(PRESENT) || true
	@$(BIN)/ruff format $(PRESENT)

verify: setup ## Ask every invariant of the current database
	@exec bin/kaquan verify

bench: setup-dev ## Run the benchmarks, or one: make bench B=pay
	@exec $(PY) -m bench $(B)

screens: setup-dev ## Photograph the demo's main screens into docs/screens/: make screens [S=dashboard]
	@S='$(S)' exec $(PY) -m tests.browser.screens

migration: setup-dev ## Draft a migration from the models: make migration M="add gifts"
	@test -n '$(M)' || { echo 'say what it does: make migration M="add gifts"' >&2; exit 1; }
	@exec bin/kaquan --run $(PY) -m alembic revision --autogenerate --message '$(M)'

translations: setup-dev ## Bring translations/ up to date with the texts in the code
	@$(PY) -m runtime.translations update
	@bin/setup dev

miniprogram: setup-dev ## Build the mini-program to miniprogram/dist/build/mp-weixin/ and check it
	@cd miniprogram && npm run --silent build:mp-weixin >/dev/null && node check-mp-weixin.mjs


lock: setup-dev ## Resolve requirements*.in again into the locked, hashed requirements*.txt
	@for name in requirements requirements-dev; do \
	  CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe \
	    --strip-extras --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	    --no-emit-options --output-file $$name.txt $$name.in || exit 1; \
	done

clean: ## Remove the environment and all caches; the data in var/ stays
	@rm -rf .venv node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis

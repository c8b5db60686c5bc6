PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
EXTRA  := $(or $(PIZHU_EXTRA),$(shell nvidia-smi -L >/dev/null 2>&1 && echo gpu || echo cpu))

.PHONY: help run install dev browser monitoring lint test test-fast bench lock translations clean

help: ## Show what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: install ## Set everything up and start it on http://127.0.0.1:8000; Ctrl-C stops it
	@exec $(BIN)/pizhu up

install: $(VENV)/.installed-$(EXTRA) ## Build .venv with the locked packages (PIZHU_EXTRA=cpu or gpu)

$(VENV)/.installed-$(EXTRA): requirements/$(EXTRA).txt pyproject.toml
	@sh deploy/install.sh $(PYTHON) $(VENV) $(EXTRA)
	@touch $@

dev: $(VENV)/.installed-dev

$(VENV)/.installed-dev: $(VENV)/.installed-$(EXTRA) requirements/dev.txt
	@echo "Installing what tests and checks need …"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps -r requirements/dev.txt
	@touch $@

monitoring:
	@sh deploy/prometheus.sh

browser:
	@sh deploy/chromium.sh

lint: dev ## ruff, mypy, and the floors of the house
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

test: dev browser monitoring ## Every check: with real servers, the real model and a real browser
	@$(BIN)/pizhu setup
	@$(BIN)/python -m pytest

test-fast: dev ## The tests of less than a minute: no server, worker, model or browser, and few examples of each property
	@$(BIN)/python -m pytest -m "not slow and not servers" --hypothesis-profile quick

bench: dev ## Print a line of JSON for each figure in the README
	@$(BIN)/pizhu setup
	@for name in rolling_batch first_token submit pipeline memory checker client_overhead routing calibration cache_latency \
		single_flight semantic_cache semantic_latency short_answers copies ghostwriting prompts cache_day simulate anomaly cost_reports; do $(BIN)/python -m benchmarks.$$name || exit 1; done

lock: dev ## Pin all packages anew
	@$(BIN)/pip-compile --extra cpu -o requirements/cpu.txt pyproject.toml
	@$(BIN)/pip-compile --extra dev -c requirements/cpu.txt -o requirements/dev.txt pyproject.toml
	@$(BIN)/pip-compile --extra gpu -o requirements/gpu.txt pyproject.toml

translations: dev ## Collect the strings of the pages into the Chinese catalogue, to be filled in
	@mkdir -p build
	@cd app && ../$(BIN)/pybabel -q extract -F translations/babel.cfg --no-location --sort-output --omit-header -o ../build/pages.pot .
	@$(BIN)/pybabel -q update -i build/pages.pot -d app/translations -l zh -N --ignore-obsolete --ignore-pot-creation-date -w 120

clean: ## Remove what can be made again, but never the state in var/
	rm -rf $(VENV) app/static/vendor build *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find app/translations -name '*.mo' -delete

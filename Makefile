# Two commands matter: `make run` and `make test`. `make help` lists the rest.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
SNOW := .venv-snow
# Who has nothing left to do takes over what waits for another.
PYTEST := $(BIN)/python -m pytest -q -n auto --dist worksteal
SCAFFOLD := sf_ml_framework/scaffold
# The image has a part of what dev.txt locks.
LOCKS := requirements/dev.txt requirements/snow.txt
PROJECT ?= .
ARGS ?=

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-zA-Z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(UV): requirements/uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info < (3, 14) else "sf_ml_framework needs Python 3.11 to 3.13; name one with PYTHON=python3.12")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

# What a run on this machine needs, and no more.
# Bytecode is written of what it imports: that of all that is installed is 170 MB, and 20 s of work.
IMPORTED := ibis.backends.duckdb, jinja2, matplotlib.pyplot, matplotlib.backends.backend_svg, optuna, \
	pandas, pyarrow.csv, pyarrow.parquet, rich.live, sklearn.linear_model, sklearn.model_selection, \
	sklearn.pipeline, sklearn.preprocessing, xgboost, yaml, sf_ml_framework.cli.app
$(VENV)/.run: requirements.txt pyproject.toml $(UV)
	@echo "Installing what a run needs into $(VENV) …"
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements.txt
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -c 'import $(IMPORTED)'
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml $(UV)
	@echo "Installing everything that tests need into $(VENV) …"
	@$(UV) pip install --quiet --python $(BIN)/python --compile-bytecode --require-hashes -r requirements/dev.txt
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@ $(VENV)/.run

.PHONY: install
install: $(VENV)/.run ## Set up what a run on this machine needs

.PHONY: install-dev
install-dev: $(VENV)/.dev ## Set up everything, tests and checks included

.PHONY: run
run: $(VENV)/.run ## Run the churn pipeline: data, features, model, report
	@$(BIN)/mlops run --project $(PROJECT) $(ARGS)

.PHONY: test
test: $(VENV)/.dev ## Run the tests
	@$(PYTEST) -m "not deep" $(ARGS)

.PHONY: test-deep
test-deep: $(VENV)/.dev ## Run the tests that take minutes: laws of deploying, kill -9, repairs
	@$(PYTEST) -m deep $(ARGS)

.PHONY: test-fast
test-fast: $(VENV)/.dev ## Run the tests that take no ten seconds
	@$(PYTEST) -m "not slow and not deep" $(ARGS)

# What the benchmarks measure against, each in an environment of its own.
.venv-kedro/bin/kedro: $(UV)
	@$(UV) venv --quiet --clear .venv-kedro
	@$(UV) pip install --quiet --compile-bytecode --python .venv-kedro/bin/python kedro==1.7.0 'pandas>=2.3,<3'

.venv-shap/.done: $(UV)
	@$(UV) venv --quiet --clear .venv-shap
	@$(UV) pip install --quiet --compile-bytecode --python .venv-shap/bin/python shap==0.51.0 xgboost-cpu==3.2.0 scikit-learn==1.9.1 pandas==2.3.3
	@touch $@

.PHONY: bench
bench: $(VENV)/.dev .venv-kedro/bin/kedro .venv-shap/.done ## Measure against peers what was to be reached (half an hour, on a quiet machine)
	@$(BIN)/python benchmarks/reach.py $(ARGS)

.PHONY: e2e
e2e: $(VENV)/.dev ## Deploy, run, break and repair the pipeline in a local Snowflake (four minutes)
	@$(BIN)/python scripts/run_e2e_test.py $(ARGS)

.PHONY: image-test
image-test: $(VENV)/.dev ## Build the image and run the pipeline in it (root, buildah, debootstrap)
	@$(BIN)/python scripts/image_test.py $(ARGS)

.PHONY: check
check: format-check lint types contracts derived workflows security audit-where-reached ## Check format, lint, types, import contracts, generated files, workflows, secrets, vulnerabilities

.PHONY: format
format: $(VENV)/.dev ## Format the code
	@$(BIN)/ruff format -q .
	@$(BIN)/ruff check -q --fix-only .

.PHONY: format-check
format-check: $(VENV)/.dev
	@$(BIN)/ruff format --check .

.PHONY: lint
lint: $(VENV)/.dev
	@$(BIN)/ruff check .

.PHONY: types
types: $(VENV)/.dev
	@$(BIN)/mypy

.PHONY: contracts
contracts: $(VENV)/.dev
	@$(BIN)/lint-imports --no-cache

.PHONY: derived
derived: $(VENV)/.dev
	@$(BIN)/python scripts/derived.py --check
	@$(BIN)/mlops compile --check

.PHONY: workflows
workflows: $(VENV)/.dev
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-actions .github/actions/*/action.yml
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.dependabot .github/dependabot.yml
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.gitlab-ci --data-transform gitlab-ci docs/templates/gitlab-ci.yml
	@$(BIN)/zizmor --offline --quiet --persona auditor .github

.PHONY: security
security: $(VENV)/.dev ## Look for unsafe code and for secrets, without a network
	@$(BIN)/bandit --quiet --recursive --severity-level medium --skip B608 --baseline .github/bandit-baseline.json sf_ml_framework src scripts .github/scripts
	@$(BIN)/python .github/scripts/find_secrets.py

.PHONY: audit
audit: $(VENV)/.dev ## Ask for known vulnerabilities of what is locked; fail where nobody answers
	@$(BIN)/python .github/scripts/audit.py --strict $(LOCKS)

.PHONY: audit-where-reached
audit-where-reached: $(VENV)/.dev
	@$(BIN)/python .github/scripts/audit.py $(LOCKS)

# Snowflake CLI pins other versions of the clients, so it stands beside them.
$(SNOW)/bin/snow: requirements/snow.txt $(UV)
	@$(PYTHON) -m venv $(SNOW)
	@$(UV) pip install --quiet --python $(SNOW)/bin/python --compile-bytecode --require-hashes -r requirements/snow.txt
	@touch $@

.PHONY: snow
snow: $(SNOW)/bin/snow ## Install Snowflake CLI beside the framework, into .venv-snow

.PHONY: lock
lock: $(UV) ## Resolve the dependencies anew and write what derives from them
	@$(UV) pip compile pyproject.toml --group churn --group build --group dev --all-extras --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet -o requirements/dev.txt
	@$(UV) pip compile pyproject.toml --group churn --group build --extra init --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet -c requirements/dev.txt -o requirements.txt
	@$(UV) pip compile pyproject.toml --group churn --extra snowflake --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet -c requirements/dev.txt -o requirements/image.txt
	@echo "snowflake-cli==3.30.0" | $(UV) pip compile - --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet -o requirements/snow.txt
	@for lock in "run --extra=init" "dev --all-extras" "image --extra=snowflake"; do set -- $$lock; \
		dev=$(SCAFFOLD)/template/project/requirements-dev.in; test $$1 = image && dev=; \
		$(UV) pip compile pyproject.toml $(SCAFFOLD)/template/project/requirements.in $$dev $${2:+$$2} --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet -c requirements/dev.txt -o $(SCAFFOLD)/locks/$$1.txt || exit 1; done
	@$(BIN)/python scripts/derived.py

.PHONY: clean
clean: ## Remove what was built, the environment included; data and runs stay
	@rm -rf $(VENV) $(SNOW) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist

include .github/ci.mk

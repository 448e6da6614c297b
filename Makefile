# `make` alone lists what there is. Needs only make and Python >= 3.11; everything else goes into .venv.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check
LANGUAGES := zh_Hans
# Apart from those of the browser: Playwright keeps an event loop running, in which no asynchronous test can run.
IN_TWO := --numprocesses 2 --dist loadfile
PRODUCTION := SITE_URL=https://pictures.example.org HSTS_SUBDOMAINS=on DEBUG=off \
	SECRET_KEY=for-the-check-only-0123456789abcdefghijklmnopqrstuvwxyz

.DEFAULT_GOAL := help
.PHONY: help run test lint messages format bench bench-faults screenshots

help:  ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: .venv/installed  ## Install what is missing and start the whole site; Ctrl-C stops it
	@exec $(BIN)/python manage.py up

test: .venv/installed-dev  ## Run all tests, those of the database on PostgreSQL too
	$(BIN)/python -m pytest $(IN_TWO) --ignore tests/browser
	$(BIN)/python -m pytest $(IN_TWO) tests/browser
	$(BIN)/python -m tests.on_postgresql

lint: .venv/installed-dev  ## Check style, types, settings, migrations and translations
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(PRODUCTION) $(BIN)/python manage.py check --deploy --fail-level WARNING
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python -m tests.translations --check

bench: .venv/installed-dev  ## Measure load, engine, queue and estimates (25 minutes; KEEP=--keep keeps the tables)
	@status=0; for name in scheduling eta engine engine_share load pages dashboard; do \
		$(BIN)/python -m benchmarks.$$name $(KEEP) || status=1; \
	done; exit $$status

bench-faults: .venv/installed-dev  ## Draw 1,000 pictures through 100 kills of worker, web and Redis (under 20 minutes)
	@$(BIN)/python -m benchmarks.faults $(KEEP)

format: .venv/installed-dev  ## Bring the code into shape
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

messages: .venv/installed-dev  ## Collect the texts to translate, and compile the translations (needs gettext)
	$(BIN)/python manage.py makemessages --locale $(LANGUAGES) --ignore var --ignore .venv --no-wrap
	$(BIN)/python manage.py makemessages --locale $(LANGUAGES) --ignore var --ignore .venv --no-wrap --domain djangojs
	$(BIN)/python -m tests.translations

screenshots: .venv/installed-dev  ## Photograph every page and state into var/screenshots (3 minutes; NAMES="gallery viewer")
	@$(BIN)/python -m tests.browser.screenshots $(NAMES)

# The stamps are younger than the lists of requirements exactly when those are installed.
.venv/installed: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed, for instance: make run PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	@echo "Installing what requirements.txt lists (a few minutes the first time) …"
	@$(PIP) -r requirements.txt
	@touch $@

.venv/installed-dev: requirements-dev.txt .venv/installed
	@echo "Installing what requirements-dev.txt lists …"
	@$(PIP) -r requirements-dev.txt
	@touch $@

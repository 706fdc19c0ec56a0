# Everything runs in .venv, which is made from requirements.lock with the newest suitable Python found.
# `make` alone lists the targets. Pass options on with ARGS="...".
SHELL := /bin/sh
PY := .venv/bin/python
READY := .venv/.ready

.DEFAULT_GOAL := help
.PHONY: help setup demo replay sandbox run doctor provision manifest audit verify export test rehearse check static fmt generate lock crashtest bench eval train picture clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## Make .venv from the pinned dependencies (nothing to do when it is current)

$(READY): requirements.lock scripts/find_python.sh
	@python=$$(sh scripts/find_python.sh) || exit 1; \
	echo "Setting up .venv with $$("$$python" --version) and the pinned packages; this takes about a minute, once." >&2; \
	"$$python" -m venv --clear .venv && \
	$(PY) -m pip install --quiet --disable-pip-version-check --requirement requirements.lock && \
	touch $@

demo: setup ## Play an incident through sandbox and integration (ARGS="--once --json" for one summary)
	@$(PY) -m sandbox.demo $(ARGS)

replay: setup ## Play a timeline into a room: its notes and RCA (FILE=timeline.jsonl for one of yours)
	@$(PY) -m sandbox.replay $(if $(FILE),"$(FILE)") $(ARGS)

sandbox: setup ## Run the sandbox alone and print the lines that point a client at it
	@$(PY) -m sandbox $(ARGS)

run: setup ## Run the integration against the real services, configured by .env
	@test -f .env || test -n "$$OCEAN__PORT__CLIENT_ID" || { echo "Not configured: copy .env.example to .env and fill it in." >&2; exit 2; }
	@.venv/bin/ocean sail $(ARGS)

doctor: setup ## Check this installation and say the next step (ARGS=--json, ARGS=--probe)
	@$(PY) -m integration.doctor $(ARGS)

provision: setup ## Bring Port up to date (ARGS=--dry-run shows what would change; ARGS=--remove takes it away)
	@$(PY) -m integration.provision $(ARGS)

manifest: setup ## Print the Slack app's manifest for an address (URL=https://..., or SOCKET=1)
	@$(PY) -m scripts.manifest $(if $(SOCKET),--socket,"$(URL)")

audit: setup ## Hold the pinned dependencies against the public advisories (installs pip-audit beside .venv)
	@test -x .venv/audit/bin/pip-audit || { $(PY) -m venv .venv/audit && .venv/audit/bin/pip install --quiet pip-audit; }
	@.venv/audit/bin/pip-audit --no-deps --disable-pip --requirement requirements.lock $(ARGS)

verify: setup ## Verify an incident's record: make verify INCIDENT=INC-42 (ARGS=--json)
	@test -n "$(INCIDENT)" || { echo "Which incident? make verify INCIDENT=INC-42" >&2; exit 2; }
	@$(PY) -m integration.verify "$(INCIDENT)" $(ARGS)

export: setup ## Print an incident's record: make export INCIDENT=INC-42 FORMAT=md|json|csv
	@test -n "$(INCIDENT)" || { echo "Which incident? make export INCIDENT=INC-42 FORMAT=md" >&2; exit 2; }
	@$(PY) -m integration.export "$(INCIDENT)" --format "$(or $(FORMAT),md)" $(ARGS)

# Where Python is told to keep no bytecode, every process of every story would compile everything anew.
test rehearse: export PYTHONDONTWRITEBYTECODE :=

# Three at a time, also on two cores: stories mostly wait for their processes.
test: setup ## Run the test suite
	$(PY) -m pytest -n 3 -m "not rehearsal" $(ARGS)

rehearse: setup ## Play the long stories: work cut off, kills, two processes
	$(PY) -m pytest -n 3 -m rehearsal $(ARGS)

check: static test ## Format, lint, types, import rules, generated files, tests

static: setup
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	$(PY) -m mypy
	.venv/bin/lint-imports
	$(PY) -m scripts.generate --check

fmt: setup ## Format the code and mend what the linter can
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

generate: setup ## Write what is derived from blueprints/, actions/ and the spec
	@$(PY) -m scripts.generate

lock: setup ## Pin the dependencies of pyproject.toml anew in requirements.lock
	$(PY) -m piptools compile --quiet --upgrade --all-extras --strip-extras --no-header --no-annotate \
		--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --output-file .venv/lock pyproject.toml
	grep -E '^[a-z0-9]' .venv/lock > requirements.lock

crashtest: setup ## Kill the integration at every call and judge what follows (SHARD=i/n, ARGS="--operation open")
	@$(PY) -m scripts.crashtest $(ARGS)

bench: setup ## Measure speed and calls, as JSON lines
	@$(PY) -m scripts.bench $(ARGS)
	@$(PY) -m scripts.notes_bench
	@$(PY) -m scripts.bench_page $(PAGE_ARGS)

eval: setup ## Measure the quality of notes and of the leak check, as JSON lines
	@$(PY) -m scripts.eval_notes $(ARGS)
	@$(PY) -m scripts.eval_drafts
	@$(PY) -m scripts.eval_guards

train: setup ## Learn the notes' classifier anew: make train DATA=folder
	@$(PY) -m scripts.train_notes $(ARGS)

picture: setup ## Take the pictures of the console for the README
	@$(PY) -m scripts.pictures $(ARGS)

clean: ## Remove .venv and every cache
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

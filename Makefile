# Everything runs in an environment of its own, made on first use: with uv when it is there, else with venv and pip.

PYTHON ?= python3
VENV := .venv
STAMP := $(VENV)/.made-for-$(shell cksum < pyproject.toml | cut -d' ' -f1)
BIN := $(VENV)/bin

# The tests start hundreds of processes; compiling every module anew in each would take most of their time.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test lint types bench clean help

help:
	@echo "make demo    set everything up and run the nightly sync against a sandbox ISP"
	@echo "make test    set everything up and run the tests; with CI=true the slow ones, too"
	@echo "make lint    style, layers and types"
	@echo "make bench   the benchmarks, each as a ratio to a raw limit of the same run"

demo: $(STAMP)
	@$(BIN)/backhaul demo

test: $(STAMP)
	$(BIN)/python -m pytest -n auto --dist loadgroup -q $(if $(CI),--randomly-seed=1,-m "not slow")

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/mypy tests benchmarks
	PYTHONPATH=$(CURDIR)/engine $(BIN)/pyright --pythonpath $(BIN)/python --verifytypes backhaul.sdk --ignoreexternal

bench: $(STAMP)
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) .backhaul build dist

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Backhaul needs Python 3.11 or newer, and $(PYTHON) is older: make PYTHON=python3.12 ..." >&2; exit 2; }
	@echo "Setting up $(VENV) (once; a minute or so) ..."
	@if command -v uv >/dev/null 2>&1; then \
		uv venv --quiet --allow-existing --python "$$(command -v $(PYTHON))" $(VENV) \
		&& uv pip install --quiet --python $(BIN)/python --editable '.[dev]'; \
	else \
		$(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install --quiet --editable '.[dev]'; \
	fi
	@rm -f $(VENV)/.made-for-* && touch $@

# `make run` trains a first player, `make test` checks everything; both set up .venv the first time.

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# The first interpreter on the path that is new enough; `make PYTHON=...` names another.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
# Extra flags for pip, for example `--extra-index-url` of processor-only builds of torch.
PIP_FLAGS ?=
WORKERS ?= 2

.PHONY: run test setup format lint types layers pytest fuzz kills soak gpu-check recipes bench-ui pictures clean

run: $(STAMP)
	@$(BIN)/azul-tui --run quick --watch

test: lint types layers pytest

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@if [ ! -x $(BIN)/python ] && [ -z "$(PYTHON)" ]; then \
		echo "azul-tui needs Python 3.11 or later; install one, or name it: make PYTHON=/path/to/python3.11" >&2; exit 2; fi
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "azul-tui needs Python 3.11 or later, and $(VENV) holds an older one; delete $(VENV) and try again" >&2; exit 2; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_FLAGS) -c constraints.txt -e '.[dev]'
	@touch $(STAMP)

lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(STAMP)
	$(BIN)/basedpyright

layers: $(STAMP)
	$(BIN)/lint-imports

pytest: $(STAMP)
	$(BIN)/python -m pytest -n $(WORKERS)

# Hostile input for longer: FUZZ_FACTOR times the rounds of `make test`, from FUZZ_SEED.
FUZZ_FACTOR ?= 20
FUZZ_SEED ?= $(shell date +%s)

fuzz: $(STAMP)
	@echo "seed $(FUZZ_SEED)"
	FUZZ_FACTOR=$(FUZZ_FACTOR) FUZZ_SEED=$(FUZZ_SEED) HYPOTHESIS_PROFILE=fuzz \
		$(BIN)/python -m pytest -n $(WORKERS) -m fuzz --timeout=0 --hypothesis-seed=$(FUZZ_SEED)

# Kill a small training so many times and hold its end against the uninterrupted one, bit by bit.
KILLS ?= 200
KILLS_SEED ?= 0

kills: $(STAMP)
	$(BIN)/python tests/kills/kills.py --kills $(KILLS) --seed $(KILLS_SEED)

# Train for long with a dashboard on it, while both are killed, paused and started again.
MINUTES ?= 60

soak: $(STAMP)
	$(BIN)/python tests/soak/soak.py --minutes $(MINUTES)

# Everything that needs a CUDA device, in at most eight minutes; results in GPU_CHECK.
GPU_CHECK ?= gpu-check-$(shell date +%Y%m%d-%H%M%S)

gpu-check: $(STAMP)
	@$(BIN)/python tests/gpu/check.py $(GPU_CHECK)

# Compare ways of training at equal processor time; RECIPES names the table of what differs.
RECIPES ?= tests/recipes/recipes.toml
RECIPE_FLAGS ?=

recipes: $(STAMP)
	$(BIN)/python tests/recipes/recipes.py $(RECIPES) $(RECIPE_FLAGS)

# How fast the dashboard is, in a pseudo-terminal; the last line is one JSON object.
BENCH_UI_FLAGS ?=

bench-ui: $(STAMP)
	@$(BIN)/python tests/bench_ui/bench_ui.py $(BENCH_UI_FLAGS)

# The README's pictures: the real screens on the newest run of a folder, and the keys that lead
# to each. Textual itself presses them, waits and writes what is shown.
RUNS ?= checkpoints
PICTURES ?= training:2 menu:1 runs:3,space,down,space checkpoints:4 play:6 analyse:7

pictures: $(STAMP)
	@for picture in $(PICTURES); do \
	    env -u NO_COLOR COLUMNS=120 LINES=40 LC_ALL=C.UTF-8 COLORFGBG="15;0" XDG_CONFIG_HOME=/dev/null \
	        TEXTUAL_DRIVER=textual.drivers.headless_driver:HeadlessDriver \
	        TEXTUAL_PRESS="$${picture#*:}" TEXTUAL_SCREENSHOT=5 \
	        TEXTUAL_SCREENSHOT_LOCATION=docs/images \
	        TEXTUAL_SCREENSHOT_FILENAME="$${picture%:*}.svg" \
	        $(BIN)/azul-tui --dir $(RUNS) --attach || exit; \
	done

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) build dist .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# make demo: install and run the main job.  make test: install and run the tests.  make check: linters and types.
PYTHON ?= python3
VENV := $(abspath $(or $(NOSS_VENV),.venv))
BIN := $(VENV)/bin
export NOSS_VENV := $(VENV)

.PHONY: demo test slow long check docs clean

demo: $(VENV)/.installed-demo
	$(BIN)/noss run recipes/demo.py --out runs/demo

# Test processes share the cores: threads of BLAS and OpenMP inside each would wait for each other by spinning.
test slow long: export OMP_NUM_THREADS := 1
test slow long: export OPENBLAS_NUM_THREADS := 1

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n 3 --dist loadfile

slow: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -m slow -n 3 --dist loadfile

long: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -m long -n 3 --dist loadfile

check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/.installed-dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

clean:
	rm -rf $(VENV) runs site .mypy_cache .ruff_cache .pytest_cache

$(VENV)/.installed-%: pyproject.toml constraints.txt install.py
	$(PYTHON) install.py $*

# make demo: install and run the main job.  make test: install and run the tests.  make check: linters and types.
PYTHON ?= python3
VENV := $(abspath $(or $(NOSS_VENV),.venv))
BIN := $(VENV)/bin
export NOSS_VENV := $(VENV)

.PHONY: demo test slow long litert check docs clean

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

# Tests of LiteRT's exporter run in an environment of their own: its tools want older versions than the other extras.
litert: $(VENV)-litert/.installed-export-litert
	$(VENV)-litert/bin/python -m pip install --quiet -c constraints.txt pytest
	$(VENV)-litert/bin/python -c "import litert_torch"  # without it the tests would be skipped
	$(VENV)-litert/bin/python -m pytest -m "slow or not slow" -k litert tests/contracts/test_every_exporter.py tests/pipeline/test_export.py

check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(VENV)/.installed-dev
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

clean:
	rm -rf $(VENV) $(VENV)-litert runs site .mypy_cache .ruff_cache .pytest_cache

$(VENV)/.installed-%: pyproject.toml constraints.txt install.py
	$(PYTHON) install.py $*

$(VENV)-litert/.installed-export-litert: pyproject.toml constraints.txt install.py
	NOSS_VENV=$(VENV)-litert $(PYTHON) install.py export-litert

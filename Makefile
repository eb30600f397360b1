# Each target sets up what it needs; a fresh clone, Python 3.11 or newer, make and a package index are enough.
PYTHON ?= python3
RUN := .venv/bin/python -m
PACKAGES := -p usage_specs -p usage_mockserver -p usage_contracts -p usagekit -m pytest_usagekit
# What an activated environment leaves behind leads Python and uv out of ours.
unexport VIRTUAL_ENV CONDA_PREFIX PYTHONPATH PYTHONHOME UV_PROJECT_ENVIRONMENT UV_PYTHON
export UV_PYTHON_DOWNLOADS := never

.PHONY: environment demo serve test check prove bench build clean
.DEFAULT_GOAL := test

demo: environment   ; @.venv/bin/usagekit demo
serve: environment  ; @.venv/bin/usagekit serve
test: environment   ; $(RUN) pytest -n auto
check: environment  ; $(RUN) ruff check . && $(RUN) ruff format --check . && $(RUN) mypy --strict $(PACKAGES)
prove: environment  ; @.venv/bin/usagekit prove
bench: environment  ; @$(RUN) benchmarks.bench $(ARGS)
build: environment  ; rm -rf dist && .venv/bin/uv build --quiet --out-dir dist && ls dist
clean:              ; rm -rf .venv dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .schemathesis
environment:        ; @"$(PYTHON)" .ci/environment.py

# The two commands are "make book" and "make test"; see README.md.
PYTHON ?= python3

.PHONY: book test lint preview lock clean environment

book: environment ## execute every chapter and build the pages
	@.venv/bin/python tools/build.py

test: book ## run every test: units, chapters, pages
	@.venv/bin/python -m pytest

lint: environment ## style, format, types, layers, spelling, the workflow file
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-cache >.venv/layers.log || { cat .venv/layers.log; false; }
	@.venv/bin/codespell
	@.venv/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml

preview: environment ## build one chapter alone: make preview CHAPTER=tensors
	@.venv/bin/python tools/build.py $(CHAPTER)

lock: environment ## write requirements.lock anew from pyproject.toml; needs uv
	@uv pip compile --quiet --universal --python-version 3.11 --all-extras --no-emit-index-url \
	  --no-annotate --no-header pyproject.toml -o requirements.lock

clean: ## remove what was built; the environment stays
	@rm -rf _build

environment:
	@$(PYTHON) tools/environment.py

# The two commands are "make book" and "make test"; "make help" names the rest.
PYTHON ?= python3
PYTEST = .venv/bin/python -m pytest -n auto --dist loadgroup

.PHONY: book test units lint preview chapter portable site links pictures pdf lock clean help environment \
  notebooks notebooks-run notebooks-fresh

book: environment ## execute every chapter and build the pages
	@.venv/bin/python tools/build.py

test: book ## run every test: units, chapters, pages
	@$(PYTEST)

units: environment ## run the tests that need no built book
	@$(PYTEST) -m "not built"

lint: environment ## style, format, types, layers, spelling, workflows
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-cache >.venv/layers.log || { cat .venv/layers.log; false; }
	@.venv/bin/codespell
	@.venv/bin/python tools/lint_workflows.py

preview: environment ## build one chapter alone: make preview CHAPTER=tensors
	@test -n "$(CHAPTER)" || { echo "Name a chapter: make preview CHAPTER=tensors"; false; }
	@.venv/bin/python tools/build.py $(CHAPTER)

notebooks: book ## every page as a notebook, for Colab and Jupyter, into _build/notebooks/
	@.venv/bin/python tools/notebooks.py

notebooks-run: book ## execute each notebook alone, without the book's tools: all, or PAGES="tensors mlp"
	@.venv/bin/python tools/notebooks.py run $(PAGES)

notebooks-fresh: book ## the same, the set-up cells fetching what is missing from the package index
	@.venv/bin/python tools/notebooks.py fresh $(PAGES)

chapter: ## start a page from the template: make chapter NAME=slopes TITLE="Slopes" (and PART=II)
	@$(PYTHON) tools/chapter.py "$(NAME)" "$(TITLE)" "$(PART)"

portable: environment ## tests and chapters as on other processors: which numbers differ, and by how much
	@.venv/bin/python tools/portable.py $(CHAPTERS)

site: environment ## refuse or release: check the built site once more, pack it with checksums
	@.venv/bin/python tools/publish.py

links: environment ## look at the links to other sites; report, and never fail
	@.venv/bin/python tools/links.py

pictures: book ## take the pictures of the README anew, and the card of a shared link
	@.venv/bin/python tools/pictures.py

pdf: book ## print the whole book into one PDF; needs Chromium
	@.venv/bin/python tools/pdf.py

lock: environment ## write requirements.lock anew from pyproject.toml; needs uv
	@uv pip compile --quiet --universal --python-version 3.11 --all-extras --no-emit-index-url \
	  --no-annotate --no-header pyproject.toml -o requirements.lock

clean: ## remove what was built; the environment stays
	@rm -rf _build

help: ## name the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

environment:
	@$(PYTHON) tools/environment.py

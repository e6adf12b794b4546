# make book   the book, executed and rendered         make lint    style of code and chapters
# make test   unit tests and notebook tests           make serve   look at the book locally
# make check  lint, and what can be tested of a change within a minute
# make lab    the chapters as live notebooks          make clean   remove what was built, keep .venv
# make bench  speed, memory, shares of time           make chapters   execute what changed and store the outputs
# make commands    every command printed in the book that `make test` has no time for
# make kernels     chapters and tests under other kernels of this machine: what the next machine would say
# make reproduce   every number of results/ again, compared with what is stored
#
# TORCH_BACKEND=cpu (or auto, cu130, …) before the first command installs that build of PyTorch.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed

.PHONY: book test check lint serve lab clean chapters lock bench ray landmarks reproduce commands kernels
.DELETE_ON_ERROR:

book: $(INSTALLED)
	@$(BIN)/mer book

# Both remember what passed, in _build: `make clean` forgets it.
test: $(INSTALLED)
	@$(BIN)/pytest --changed -n auto --dist loadfile --no-loadscope-reorder # else the few long tests, in tests/book, come last
	@$(BIN)/mer verify

# At every save: nothing that opens a browser, executes a chapter or prints a command.
check: lint
	@$(BIN)/pytest --changed -n auto --dist loadfile --ignore tests/book
	@$(BIN)/pytest --changed -n auto tests/book/test_chapters.py tests/book/test_frame.py tests/book/test_seal.py tests/book/test_prose.py

# Half an hour on two idle cores.
commands: ray landmarks
	@$(BIN)/pytest tests/book -m minutes

chapters: $(INSTALLED)
	@$(BIN)/mer chapters

# make reproduce ARGS="--only fdp"
reproduce: $(INSTALLED)
	@$(BIN)/mer reproduce $(ARGS)

# make kernels ARGS="inflate --only numpy"
kernels: $(INSTALLED)
	@$(BIN)/mer kernels $(ARGS)

lint: $(INSTALLED)
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

bench: $(INSTALLED)
	@for script in $(filter-out %/side_by_side.py, $(wildcard benchmarks/*.py)); do echo; echo "$$script"; $(BIN)/python $$script || exit 1; done

serve: book
	@$(BIN)/mer serve

lab: $(INSTALLED)
	@test -x $(BIN)/jupyter-lab || $(BIN)/pip install --quiet jupyterlab -c requirements.lock
	@$(BIN)/jupyter-lab chapters

# Runs on a cluster: an extra.
ray: $(INSTALLED)
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable ".[ray]" -c requirements.lock

# The detector of landmarks: an extra.
landmarks: $(INSTALLED)
	@$(BIN)/pip install --quiet --disable-pip-version-check --editable ".[landmarks]" -c requirements.lock

clean:
	rm -rf _build .pytest_cache .ruff_cache .hypothesis

# The exact versions that everybody gets, for every platform and Python from 3.11 on.
lock: $(INSTALLED)
	@$(BIN)/pip install --quiet uv
	@$(BIN)/uv pip compile --quiet --universal --upgrade --python-version 3.11 --no-header --no-annotate \
		pyproject.toml --extra book --extra dev -o requirements.lock

$(INSTALLED): requirements.txt requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 …")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing into .venv (once)"
ifdef TORCH_BACKEND
	@$(BIN)/pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --torch-backend $(TORCH_BACKEND) \
		-r requirements.txt -c requirements.lock
else
	@$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt -c requirements.lock
endif
	@touch $@

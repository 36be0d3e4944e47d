# Two commands: `make app` and `make test`. Each sets up a fresh machine by itself; a second run installs nothing.
PYTHON ?= python3
VENV ?= .venv
PORT ?= 8501
DATA ?= data
REQUIREMENTS ?= requirements.txt
READY = $(VENV)/.ready
TEST = $(VENV)/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

LOCK ?= requirements.lock
TOOLS ?= .tools

.PHONY: app test test-long test-fast coverage mutation lint evaluate serve-alone lock sbom audit clean

app: $(READY)
	$(VENV)/bin/streamlit run app.py --server.port $(PORT)

# Everything but what plays whole days, kills, races or complete trainings, which is test-long. CI runs both.
test: $(READY)
	$(TEST) -m "not long" --durations=40

test-long: $(READY)
	$(TEST) -m long --durations=40

# Everything without browser, pages, training and services.
test-fast: $(READY)
	$(VENV)/bin/python -m pytest -n 2 -m "not slow and not long" $(addprefix --ignore=tests/,browser app training exchange fuzz test_notebook.py)

# Lines of the package that the tests run, without browser and long tests; fails under 90 %.
coverage: $(READY)
	$(TEST) -m "not long" --ignore tests/browser --cov --cov-report=term

# Of small changes of evaluation/ and imaging/, how many their tests notice.
mutation: $(READY)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check mutmut==3.8.1
	PYTHONPATH=. $(VENV)/bin/python bench/mutation.py

serve-alone: $(READY)
	$(VENV)/bin/python tests/serve_alone.py

# Every published number anew: from the stored predictions and from the X-rays below DATA.
evaluate: $(READY)
	$(VENV)/bin/python -m pneumo models reproduce --data $(DATA)

lint: $(READY)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

# requirements*.txt say what Pneumo uses and why; the locks say every package that comes with it, for every system, with hashes:
# pip install --require-hashes -r requirements-serve.lock
lock: $(TOOLS)/.ready
	for name in requirements requirements-serve; do \
	  $(TOOLS)/bin/uv pip compile $$name.txt --universal --python-version 3.11 --generate-hashes --quiet \
	    --custom-compile-command "make lock" --output-file $$name.lock || exit; done

# What is installed, for whoever must know: sbom.json, CycloneDX. Of a machine that only answers: make sbom LOCK=requirements-serve.lock
sbom: $(TOOLS)/.ready
	$(TOOLS)/bin/cyclonedx-py requirements $(LOCK) --pyproject pyproject.toml --output-reproducible --of JSON --output-file sbom.json
	@echo "sbom.json: every package of $(LOCK)"

# Known holes in what is locked. It asks the internet; where it cannot, it says so and fails.
audit: $(TOOLS)/.ready
	@rm -f .audit.json
	@$(TOOLS)/bin/pip-audit --requirement $(LOCK) --require-hashes --disable-pip --progress-spinner off --format json --output .audit.json \
	  2>/dev/null || true  # its "none found" is also said where it could ask nobody
	@$(TOOLS)/bin/python bench/audit.py .audit.json $(LOCK)

$(TOOLS)/.ready:
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check uv==0.13.9 cyclonedx-bom==7.5.0 pip-audit==2.10.1
	@touch $@

$(READY): $(REQUIREMENTS) requirements-serve.txt requirements-train.txt requirements-test.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; found " + sys.version.split()[0] + ". Name another: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r $(REQUIREMENTS)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $(READY)

clean:
	rm -rf $(VENV) $(TOOLS)

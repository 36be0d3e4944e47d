# Two commands: `make app` and `make test`. Each sets up a fresh machine by itself; a second run installs nothing.
PYTHON ?= python3
VENV ?= .venv
PORT ?= 8501
DATA ?= data
REQUIREMENTS ?= requirements.txt
READY = $(VENV)/.ready

.PHONY: app test coverage mutation lint evaluate serve-alone clean

app: $(READY)
	$(VENV)/bin/streamlit run app.py --server.port $(PORT)

test: $(READY)
	$(VENV)/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

# Lines that the tests run of all below the pages; fails under 90 %.
coverage: $(READY)
	$(VENV)/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --cov --cov-report=term

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

$(READY): $(REQUIREMENTS) requirements-serve.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; found " + sys.version.split()[0] + ". Name another: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r $(REQUIREMENTS)
	@touch $(READY)

clean:
	rm -rf $(VENV)

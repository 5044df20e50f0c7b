# ablab: `make` lists the targets. Every target first sets up .venv as it needs it.

ABLAB := .venv/bin/python -m ablab
RUN := OMP_NUM_THREADS=1 .venv/bin/python -m
export PYTHON TORCH

.DEFAULT_GOAL := help
.PHONY: help install demo compare test check train ui clean dev lint slow docs

define NEXT
ablab is set up. Next, in any folder:
  . "$(CURDIR)/.venv/bin/activate"   adds ablab to your path
  ablab sweep demo --report          answers a first question in half a minute
  ablab                              lists the commands
  ablab list                         lists the available components
endef
export NEXT

help: ## list the targets
	@echo "make TARGET [ARGS=\"key=value ...\"] [PYTHON=python3.12] [TORCH=cpu]"
	@awk -F ':.*## ' '/^[a-z%-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' Makefile
	@echo "ARGS are passed to the command. TORCH=cpu installs PyTorch's small CPU build."
	@echo "PYTHON and TORCH are remembered."

install: ## set up .venv
	@sh .ci/venv user
	@$(if $(filter install,$(MAKECMDGOALS)),echo "$$NEXT")

demo: install ## train six activations with five seeds each and write the report
	@$(ABLAB) sweep demo --report $(ARGS)

train: install ## train one trial: make train ARGS="architecture=resnet18 dataset=cifar100"
	@$(ABLAB) train $(ARGS)

sweep-%: install ## download the data of a sweep and run or resume it: make sweep-activations
	@$(ABLAB) sweep $* --fetch $(ARGS)

status-%: install ## show the progress of a sweep
	@$(ABLAB) status $* $(ARGS)

report-%: install ## write the report of a sweep
	@$(ABLAB) report $* $(ARGS)

latex-%: install ## write the report and LaTeX tables for a paper
	@$(ABLAB) report $* --latex $(ARGS)

compare: install ## compare two sweeps: make compare A=demo B=lab2:demo
	@$(ABLAB) compare "$(A)" "$(B)" $(ARGS)

ui: install ## show all runs in MLflow's web interface
	@$(ABLAB) ui $(ARGS)

test: lint ## run lint, types, import contracts and the quick tests
	@$(RUN) pytest -n 3 -m "not slow" $(ARGS)

check: lint ## run what test runs, and the slow tests
	@$(RUN) pytest -n 2 --dist worksteal $(ARGS)

clean: ## remove .venv and all caches; lab and data are kept
	@rm -rf .venv dist build docs/_build .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -path ./lab -prune -o -path ./data -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

dev:
	@sh .ci/venv dev

docs: dev ## write the generated pages and build the documentation in docs/_build/html
	@for page in by_hand catalogue claims commands glossary; do \
		OMP_NUM_THREADS=1 .venv/bin/python -B docs/$$page.py || exit 1; done
	@$(RUN) sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

slow: dev
	@$(RUN) pytest -n 4 --dist worksteal -m slow $(ARGS)

lint: dev
	@$(RUN) ruff check .
	@$(RUN) ruff format --check .
	@$(RUN) mypy
	@.venv/bin/python -c "import importlinter.cli as cli; cli.lint_imports_command()" --no-logo

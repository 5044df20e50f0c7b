# ablab: type `make` to see what there is. Every target first sets up what it needs, in .venv.

ABLAB := .venv/bin/python -m ablab
RUN := OMP_NUM_THREADS=1 .venv/bin/python -m
export PYTHON TORCH

.DEFAULT_GOAL := help
.PHONY: help install demo compare test check train ui clean dev slow docs

define NEXT
ablab is set up. Next, in any folder:
  . "$(CURDIR)/.venv/bin/activate"   puts ablab on your path
  ablab sweep demo --report          answers a first question, in half a minute
  ablab                              lists the commands; ablab list, what there is to choose
endef
export NEXT

help: ## list the targets
	@echo "make TARGET [ARGS=\"key=value ...\"] [PYTHON=python3.12] [TORCH=cpu]"
	@awk -F ':.*## ' '/^[a-z%-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' Makefile
	@echo "ARGS are passed on; TORCH=cpu takes PyTorch's small build; PYTHON and TORCH are remembered."

install: ## set up .venv, and no more
	@sh .ci/venv user
	@$(if $(filter install,$(MAKECMDGOALS)),echo "$$NEXT")

demo: install ## answer a first question: six activations, five seeds each, then the report
	@$(ABLAB) sweep demo --report $(ARGS)

train: install ## train one trial: make train ARGS="architecture=resnet18 dataset=cifar100"
	@$(ABLAB) train $(ARGS)

sweep-%: install ## fetch the data of a sweep and run it, or finish it: make sweep-activations
	@$(ABLAB) sweep $* --fetch $(ARGS)

status-%: install ## show how far a sweep is
	@$(ABLAB) status $* $(ARGS)

report-%: install ## write a sweep's report
	@$(ABLAB) report $* $(ARGS)

latex-%: install ## write it with tables for a paper, in LaTeX
	@$(ABLAB) report $* --latex $(ARGS)

compare: install ## what changed between two sweeps: make compare A=demo B=lab2:demo
	@$(ABLAB) compare "$(A)" "$(B)" $(ARGS)

ui: install ## open the dashboard of all runs
	@$(ABLAB) ui $(ARGS)

test: dev ## lint, types, import contracts, and the quick tests
	@$(RUN) ruff check .
	@$(RUN) ruff format --check .
	@$(RUN) mypy
	@.venv/bin/python -c "import importlinter.cli as cli; cli.lint_imports_command()" --no-logo
	@$(RUN) pytest -n 2 -m "not slow" $(ARGS)

check: test slow ## what test does, and the slow tests

clean: ## remove .venv and all caches; lab and data stay
	@rm -rf .venv dist build docs/_build .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -path ./lab -prune -o -path ./data -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

dev:
	@sh .ci/venv dev

docs: dev ## write the generated pages, and build the documentation in docs/_build/html
	@for page in by_hand catalogue commands glossary; do \
		OMP_NUM_THREADS=1 .venv/bin/python -B docs/$$page.py || exit 1; done
	@$(RUN) sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

slow: dev
	@$(RUN) pytest -n 2 --dist worksteal -m slow $(ARGS)

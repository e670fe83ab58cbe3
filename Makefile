# make pdf: the report. make test: its tests. Both set up what they need: .venv/ for Python, and TeX
# on Debian and Ubuntu.
.PHONY: pdf supplement html notebook test fuzz proofs proofs-attack watch check submission bench \
  bench-build lint lock clean help ready FORCE
.PRECIOUS: %.pdf
.DEFAULT_GOAL := pdf

CASE ?=
NAMES ?=
SIDE ?=
UNTIL ?=
# Not from the environment, where WSL has the computer's name.
NAME =
DOC ?= report
TAGGED ?=
FAST ?=
# What code/weaving/settings.py sets for itself, too, for the commands that do not ask it.
export PYTHONPATH := code
export PYTHONUTF8 := 1
export PYTHONHASHSEED := 0
export CASE NAMES SIDE UNTIL NAME DOC
unexport PYTHONHOME PYTHONOPTIMIZE PYTHONSTARTUP PYTHONWARNINGS PYTHONPYCACHEPREFIX
unexport PYTHONDONTWRITEBYTECODE  # without its bytecode SymPy alone takes seconds to import
RUN := .venv/bin/python
DOCUMENTS := $(basename $(wildcard *.texw))
FOR_CASE := --case "$$CASE" --names "$$NAMES" --side "$$SIDE" --until "$$UNTIL"
AS_TAGGED := $(if $(filter-out 0,$(TAGGED)),--tagged)

pdf: $(DOC:.texw=).pdf ## the report; CASE=case.npz: your numbers (see README.md), TAGGED=1, TIMES=1

supplement: supplement.pdf ## supplement.pdf, what goes beyond the questions

# Always invoked: the build compares contents, not timestamps.
%.pdf: FORCE | ready
	@$(RUN) -m weaving "$(@:.pdf=)" $(FOR_CASE) $(AS_TAGGED)

html: ready ## report.html, the same as one page for the browser; make html DOC=supplement
	@sh code/setup.sh notebook
	@PYTHONPATH=code:build/notebook-packages $(RUN) -m weaving.html "$$DOC" $(FOR_CASE)

notebook: ready ## report.ipynb, the same as a Jupyter notebook that has been run
	@sh code/setup.sh notebook
	@PYTHONPATH=code:build/notebook-packages $(RUN) -m weaving.notebook "$$DOC" $(FOR_CASE)

test: ready ## run all tests; FAST=1 skips the slow tests
	@sh code/setup.sh notebook || true  # if this fails, the notebook's tests are skipped
	@$(RUN) -m pytest -q -n auto --dist loadscope --no-loadscope-reorder \
	  $(if $(filter-out 0,$(FAST)),-m "not slow")

fuzz: ready ## run the tests named fuzz on new examples (minutes)
	@HYPOTHESIS_PROFILE=fuzz $(RUN) -m pytest -q -k fuzz

proofs: ready ## check all claims; NAME=claim checks one and prints it
	@$(RUN) -m proofs $$NAME

proofs-attack: ready ## check every statement that differs from a claim in one place (minutes)
	@$(RUN) -m proofs --attack $$NAME

watch: ready ## build again whenever a source changes; make watch DOC=supplement
	@$(RUN) -m weaving "$$DOC" $(FOR_CASE) $(AS_TAGGED) --watch

check: ready ## ask veraPDF whether report.pdf is PDF/A, or PDF/UA if it is tagged (needs Java)
	@sh code/weaving/verapdf/check.sh

submission: ready ## submission.tar.gz from the last commit: PDF, sources, plain LaTeX, checksums
	@$(RUN) -m weaving.submission $(AS_TAGGED)

bench: ready ## measure attention beside PyTorch and JAX for the supplement (half an hour, Linux)
	@[ -d build/bench-venv ] || $(RUN) -m venv build/bench-venv
	@build/bench-venv/bin/python -m pip install -q --no-deps -r requirements.txt
	@build/bench-venv/bin/python -m pip install -q -r requirements-bench.in
	@build/bench-venv/bin/python -m benchmarks

bench-build: ready ## measure the build after each kind of edit, in passes of TeX (a minute)
	@$(RUN) -m benchmarks.build

lint: ready ## ruff: lint code and tests, and check their format
	@sh code/setup.sh lint
	@PYTHONPATH=build/lint-packages $(RUN) -m ruff check code tests
	@PYTHONPATH=build/lint-packages $(RUN) -m ruff format --check code tests

lock: ## pin the requirements (needs uv)
	uv pip compile requirements.in --excludes requirements.excluded --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-header --no-annotate -o requirements.txt
	uv pip compile requirements-notebook.in -c requirements.txt --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-header --no-annotate -o requirements-notebook.txt
	uv pip compile requirements-lint.in --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-header --no-annotate -o requirements-lint.txt

clean: ## remove what the build made, but not .venv
	rm -rf build $(DOCUMENTS:%=figures/%) submission.tar.gz
	rm -f $(foreach name,$(DOCUMENTS),$(name).pdf $(name).html $(name).ipynb $(name).synctex.gz)

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22

# Takes milliseconds once everything is installed.
ready:
	@sh code/setup.sh venv tex

FORCE:

# make pdf: the report. make test: its tests. Both set up what they need: .venv/ for Python, TeX on Debian and Ubuntu.
SHELL := /bin/sh
.DELETE_ON_ERROR:
.PHONY: pdf test proofs watch check bench submission lock clean help FORCE
.DEFAULT_GOAL := pdf

export PYTHONPATH := code
export PYTHONDONTWRITEBYTECODE :=
RUN := .venv/bin/python
CASE :=
SOURCES := report.texw requirements.txt $(wildcard code/*/*.py code/*/*.json code/weaving/house.sty bib/*.bib) \
           $(wildcard .git/logs/HEAD PROVENANCE)

pdf: report.pdf ## report.pdf; make pdf CASE=file.npz takes the notebook's numbers from a file

test: .venv/.complete build/tex.ok ## run all tests
	@$(RUN) -m pytest -q

proofs: .venv/.complete ## check all claims and print the ledger; NAME=claim for one
	@$(RUN) -m proofs $(NAME)

report.pdf: $(SOURCES) build/case $(CASE) | .venv/.complete build/tex.ok
	@$(RUN) -m weaving --case "$(CASE)"

# holds the name of the case, so that another CASE makes the report anew
build/case: FORCE
	@mkdir -p build; [ "$$(cat build/case 2>/dev/null)" = "$(CASE)" ] && [ -e build/case ] || printf '%s\n' "$(CASE)" > build/case

.venv/.complete: requirements.txt code/setup.sh
	@sh code/setup.sh venv

build/tex.ok: code/setup.sh
	@sh code/setup.sh tex

lock: ## pin requirements.in to requirements.txt (needs uv)
	uv pip compile requirements.in --excludes requirements.excluded --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-header --no-annotate -o requirements.txt

clean: ## remove what the build made, but not .venv
	rm -rf build figures/*.pdf report.pdf report.synctex.gz report.html report.ipynb submission.tar.gz

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

FORCE:

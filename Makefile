# One command each. `make demo` and `make test` work as the first command on a fresh machine.
.PHONY: help setup demo test unit oldest coverage rule lint bench corpus soak fuzz docs pages site lock dist binary zipapp packages programs clean

python := .venv/bin/python
fuzz_seconds ?= 60
soak_minutes ?= 30

help:
	@echo "make demo    unmask a real mitmproxy on this machine"
	@echo "make test    all tests, against real interceptors and servers"
	@echo "make unit    the tests that need no other program; PYTHON=3.12 on another Python"
	@echo "make oldest  what mitmproxy is asked to do, with the oldest one that the addon allows"
	@echo "make coverage  how much of each file its own tests run, held against the floor"
	@echo "make lint    ruff, mypy, import-linter"
	@echo "make bench   speed, beside openssl s_time and sslyze; ONLY=judge,start; COMPARE=before.json"
	@echo "make corpus  judge every chain and capture below DIR: verdicts, accusations, tracebacks"
	@echo "make soak    mixed traffic through a recording mitmproxy for soak_minutes (30)"
	@echo "make fuzz    every reader of foreign bytes, at random and by coverage, fuzz_seconds (60) each"
	@echo "make rule    a rule with its test: NAME=some-name KIND=evidence or KIND=cause"
	@echo "make dist    wheel and source archive, seen to work in empty environments"
	@echo "make binary  dist/tlsight-VERSION-linux-...: the program in one file, with its Python"
	@echo "make zipapp  dist/tlsight-VERSION-cp313-linux-....pyz: for machines that have this Python"
	@echo "make packages  dist/*.deb and dist/*.rpm: the program, the agent's service, its settings"
	@echo "make docs    regenerate the reference, the schemas and the pictures; make pages leaves pictures as they are"
	@echo "make site    the docs as a site in build/site; a link that leads nowhere fails it"

setup:
	@sh scripts/setup.sh

programs: setup
	@sh scripts/programs.sh

demo: setup
	@sh scripts/programs.sh demo
	@.venv/bin/tlsight demo

# ALSO="sample oldest" runs these streams of scripts/all_tests.py beside them.
test: programs
	@$(python) scripts/all_tests.py $(addprefix --also ,$(ALSO))

# PYTHON=3.12 runs them on that version, in .venv-3.12.
unit:
	@sh scripts/setup.sh $(PYTHON)
	.venv$(addprefix -,$(PYTHON))/bin/python -m pytest -m "not live"

oldest: programs
	@sh scripts/setup.sh oldest
	sh scripts/alone.sh .venv-oldest/bin/python -m pytest -k "not eager and not recheck" \
		$(addprefix --basetemp ,$(FOLDER)) \
		$(addprefix tests/live/test_,alive.py bypass.py late_alerts.py modes.py recorder.py truth.py)

coverage: setup
	$(python) scripts/own_coverage.py

rule: setup
	@$(python) scripts/make_rule.py "$(KIND)" "$(NAME)"

lint: setup
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/mypy tests/typing_api.py
	.venv/bin/lint-imports --no-cache

# COMPARE=build/before.json says what got worse since; ONLY=judge,start measures a part, which may need none
# of what is missing: it says so itself.
bench: setup
	@sh scripts/programs.sh bench || [ -n "$(ONLY)" ]
	$(python) bench/run.py $(if $(ONLY),--only $(ONLY)) $(if $(COMPARE),--compare $(COMPARE))

# OPTIONS are scripts/corpus.py's: --honest, --together, --issuers FILE, --roots FILE, --at TIME.
corpus: setup
	@$(python) scripts/corpus.py "$(DIR)" $(OPTIONS)

soak: setup
	$(python) bench/soak.py --minutes $(soak_minutes)

fuzz: setup
	$(python) -m tests.fuzz --seconds $(fuzz_seconds)

docs: setup
	$(python) docs/generate.py

pages: setup
	$(python) docs/generate.py --pages

site: setup
	NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build --clean

lock: setup
	@sh scripts/lock.sh

dist: setup
	@sh scripts/dist.sh

# They hold what .venv has; OPTIONS="--into DIR --version 1.2.3" are scripts/packaging/build.py's.
packages: setup
	@sh scripts/programs.sh packages
	@$(python) scripts/packaging/build.py $@ $(OPTIONS)

binary: setup
	@sh scripts/programs.sh packages
	@$(python) scripts/packaging/build.py $@ $(OPTIONS)

zipapp: setup
	@$(python) scripts/packaging/build.py $@ $(OPTIONS)

clean:
	rm -rf .venv .venv-* .tools build dist .mypy_cache .ruff_cache .hypothesis

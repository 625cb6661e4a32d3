# make setup   install what the rest needs: Debian packages that are missing, and Tamis in .venv
# make demo    show what Tamis does: MAIL=DIR takes your own messages, KEEP=1 leaves it running
# make test    every test, with a real Postfix, Dovecot, Redis and PostgreSQL
# make deb     a package for Debian 12, in dist: REVISION=2
# make audit   known vulnerabilities of what Tamis needs, by pip-audit, over the network
# make sanitize  the compiled modules with gcc's sanitizers, and the tests that hold them: three minutes
# make check   lint, types and the fast tests, in seconds
# make clean   remove what the above made in this folder
#
# YES=1 answers yes to what setup asks; PYTHON names the Python that .venv is made from.

SHELL := /bin/bash
PYTHON ?= /usr/bin/python3
YES ?=
# Not from the environment: a login shell names the user's mailbox so.
MAIL =
REVISION ?= 1
KEEP ?=
TESTS ?=
JOBS ?= $(shell expr $$(nproc) + 1)
# A word for the shell, whatever is in it.
quoted = '$(subst ','\'',$(1))'
export PYTHON YES
export LC_ALL := C.UTF-8

.PHONY: help setup demo test check lint types fast deb audit sanitize clean
help:
	@sed -n 's/^# \{0,1\}//p;/^$$/q' Makefile

setup:
	@scripts/setup.sh

demo: setup
	@scripts/as-root.sh .venv/bin/python -m demo $(if $(value MAIL),--mail $(call quoted,$(value MAIL))) $(if $(filter-out 0,$(KEEP)),--keep)

# In the order of tests/conftest.py: the longest files first, not those of the most tests. Half of a test's time it waits for
# a server, so there is one more of them at once than cores.
test: setup
	@scripts/as-root.sh .venv/bin/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(TESTS)

# Side by side; all of it is said, whichever fails.
check: setup
	@$(MAKE) --no-print-directory --jobs --keep-going --output-sync lint types fast

lint:
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .

types:
	@.venv/bin/mypy -p tamis -p demo -p benchmarks -p scripts -p fuzz

# Whatever the environment says, what was compiled is kept: it saves a quarter of the time.
fast:
	@env -u PYTHONDONTWRITEBYTECODE scripts/in-memory.sh .venv/bin/python -m pytest -q -n 2 --dist worksteal --hypothesis-profile quick -m "not servers and not corpora and not slow"

deb: setup
	@.venv/bin/python -m scripts.build_deb --revision $(call quoted,$(value REVISION))

audit: setup
	@.venv/bin/python -m scripts.audit

sanitize: setup
	@scripts/sanitize.sh

clean:
	rm -rf .venv build dist ./*.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
	rm -f */*.so tamis/*/*.so
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

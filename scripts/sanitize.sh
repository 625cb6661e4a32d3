#!/bin/bash
# Compile the compiled modules with gcc's sanitizers for addresses and undefined behaviour, in a copy, and run the tests that
# hold them to Python. What reads or writes beside an array ends the run, with the line.
# With TAMIS_CORPORA every message there of less than 400 KB as well. Usage: scripts/sanitize.sh
set -euo pipefail
cd "$(dirname "$0")/.."

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git ls-files -z | xargs -0 cp -P --parents -t "$copy"
python=$PWD/.venv/bin/python
cd "$copy"
TAMIS_SANITIZE=1 "$python" setup.py -q build_ext --inplace

# Strings of Python's own allocator would hide what is read behind their ends. Python does not give back all at its end.
export PYTHONMALLOC=malloc ASAN_OPTIONS=detect_leaks=0:halt_on_error=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
preload="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so)"
LD_PRELOAD=$preload "$python" -m pytest -q -p no:cacheprovider -m "not servers and not corpora and not slow" \
    -k "not linear and not bounded_time and not how_it_is_made" \
    tests/models/test_native.py tests/traits tests/rules tests/core/test_header_split.py tests/core/test_counted.py \
    tests/core/test_answers.py tests/core/test_message.py
if [ -n "${TAMIS_CORPORA:-}" ]; then
    LD_PRELOAD=$preload "$python" -m scripts.look_at_all "$TAMIS_CORPORA"
fi

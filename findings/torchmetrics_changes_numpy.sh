#!/usr/bin/env bash
# Importing torchmetrics adds names to numpy and SciPy that these have removed.
#
# NumPy 2.0 removed `numpy.Inf`, SciPy 1.13 removed `scipy.signal.hamming`. After an import of
# torchmetrics, or of Lightning, which imports it, both exist again, in the modules themselves: a
# program that uses them runs wherever torchmetrics was imported before, and fails with an
# AttributeError where it was not, for example in a test, a script or a worker of its own. For the
# second name torchmetrics imports `scipy.signal`, whether or not anything uses it.
#
# Seen with torchmetrics 1.9.0, numpy 2.4.6, scipy 1.17.1 and torch 2.13.0 on CPython 3.11.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6 scipy==1.17.1 torch==2.13.0 torchmetrics==1.9.0
cat >"$folder/program.py" <<'PY'
import sys

import numpy
import scipy


def names():
    signal = sys.modules.get("scipy.signal")
    return hasattr(numpy, "Inf"), signal is not None, hasattr(signal, "hamming")


print("numpy.Inf, scipy.signal imported, scipy.signal.hamming")
print("before", names())
import torchmetrics

print("after ", names())
PY
seen=$(cd "$folder" && venv/bin/python program.py 2>/dev/null)
echo "$seen"
expected="numpy.Inf, scipy.signal imported, scipy.signal.hamming
before (False, False, False)
after  (True, True, True)"
if [ "$seen" != "$expected" ]; then
    printf 'The behavior has changed. Expected:\n%s\n' "$expected"
    exit 1
fi

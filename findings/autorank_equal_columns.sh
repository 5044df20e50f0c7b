#!/usr/bin/env bash
# autorank reports that one of two identical columns of scores is significantly larger.
#
# The differences are all zero, the p value of the paired t test is NaN, and only `p >= alpha` is
# taken for "no difference", which NaN is not.
#
# Seen with autorank 1.3.0, scipy 1.17.1 on CPython 3.11. Source: https://pypi.org/project/autorank/1.3.0/
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet autorank==1.3.0 numpy==2.4.6 pandas==3.1.1 scipy==1.17.1
cat >"$folder/program.py" <<'PY'
import contextlib
import io
import warnings

import pandas as pd
from autorank import autorank, create_report

warnings.simplefilter("ignore")
scores = [0.91, 0.93, 0.92, 0.94, 0.925, 0.915, 0.935, 0.945, 0.905, 0.955]
report = io.StringIO()
with contextlib.redirect_stdout(report):
    result = autorank(pd.DataFrame({"a": scores, "b": scores}), alpha=0.05)
    create_report(result)
print("p", result.pvalue)
print("reported as significantly larger:", "is significantly larger" in report.getvalue())
PY
seen=$(cd "$folder" && venv/bin/python program.py 2>/dev/null)
echo "$seen"
expected="p nan
reported as significantly larger: True"
if [ "$seen" != "$expected" ]; then
    printf 'The behavior has changed. Expected:\n%s\n' "$expected"
    exit 1
fi

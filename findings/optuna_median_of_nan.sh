#!/usr/bin/env bash
# Optuna's median pruner warns about a trial whose loss is NaN before it prunes it.
#
# A diverged trial is pruned, as documented, but on the way numpy.nanmin of its values, all NaN, warns
# 'All-NaN slice encountered' at each step. Where warnings are errors, as in many test suites, a
# diverged trial raises.
#
# Seen with optuna 5.0.0, numpy 2.4.6 on CPython 3.11.
# Source: optuna/pruners/_percentile.py of https://pypi.org/project/optuna/5.0.0/
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6 optuna==5.0.0
cat >"$folder/program.py" <<'PY'
import warnings

import optuna

optuna.logging.set_verbosity(optuna.logging.WARNING)
study = optuna.create_study(pruner=optuna.pruners.MedianPruner(n_startup_trials=1))
first = study.ask()
first.report(0.5, step=0)
study.tell(first, 0.5)
diverged = study.ask()
diverged.report(float("nan"), step=0)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    print("pruned:", diverged.should_prune())
print(*(f"{each.category.__name__}: {each.message}" for each in caught))
PY
seen=$("$folder/venv/bin/python" "$folder/program.py" 2>/dev/null)
echo "$seen"
expected="pruned: True
RuntimeWarning: All-NaN slice encountered"
if [ "$seen" != "$expected" ]; then
    printf 'The behavior has changed. Expected:\n%s\n' "$expected"
    exit 1
fi

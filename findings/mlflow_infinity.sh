#!/usr/bin/env bash
# MLflow's SQL store keeps infinity as the largest float, so that a diverged run sorts as the best.
#
# A metric logged as +inf is read back as 1.7976931348623157e+308. Sorted in descending order it comes
# first, and a filter such as `metrics.accuracy > 0.5` returns it. NaN is kept and sorts last both ways,
# and `metrics.accuracy != 0.9` returns the NaN run too.
#
# Seen with mlflow 3.17.2 (SQLite) on CPython 3.11.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet mlflow==3.17.2 numpy==2.4.6 pandas==3.1.1 'sqlalchemy<2.1'
cat >"$folder/program.py" <<'PY'
import logging
import os
import warnings

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)

import math

from mlflow import MlflowClient

client = MlflowClient(f"sqlite:///{os.getcwd()}/mlflow.db")
experiment = client.create_experiment("values", artifact_location=f"file://{os.getcwd()}/artifacts")
for name, value in {"infinite": math.inf, "good": 0.9, "nan": math.nan}.items():
    run = client.create_run(experiment, run_name=name)
    client.log_metric(run.info.run_id, "accuracy", value)


def names(condition):
    runs = client.search_runs([experiment], condition)
    return ", ".join(sorted((r.info.run_name for r in runs), key=["infinite", "good", "nan"].index))


runs = client.search_runs([experiment], order_by=["metrics.accuracy DESC"])
print("descending:", ", ".join(f"{r.info.run_name} {r.data.metrics['accuracy']}" for r in runs))
print("> 0.5:", names("metrics.accuracy > 0.5"))
print("!= 0.9:", names("metrics.accuracy != 0.9"))
PY
seen=$(cd "$folder" && venv/bin/python program.py 2>/dev/null)
echo "$seen"
expected="descending: infinite 1.7976931348623157e+308, good 0.9, nan nan
> 0.5: infinite, good
!= 0.9: infinite, nan"
if [ "$seen" != "$expected" ]; then
    printf 'The behavior has changed. Expected:\n%s\n' "$expected"
    exit 1
fi

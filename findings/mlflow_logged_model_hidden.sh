#!/usr/bin/env bash
# A model that was logged in an MLflow run is not among the run's artifacts when these are listed.
#
# `list_artifacts(run_id)` and a download of all artifacts of the run leave the logged model out;
# `list_artifacts(run_id, "network")` lists its files. A script that copies or checks runs by listing
# their artifacts loses the models without an error.
#
# Seen with mlflow 3.17.2 (SQLite, local artifacts) on CPython 3.11.
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

import mlflow
from mlflow import MlflowClient


class Echo(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input: list[str]) -> list[str]:
        return model_input


mlflow.set_tracking_uri(f"sqlite:///{os.getcwd()}/mlflow.db")
client = MlflowClient()
experiment = client.create_experiment("models", artifact_location=f"file://{os.getcwd()}/artifacts")
with mlflow.start_run(experiment_id=experiment) as run:
    mlflow.log_text("text", "notes.txt")
    mlflow.pyfunc.log_model(name="network", python_model=Echo())
run_id = run.info.run_id
print("listed:", *sorted(a.path for a in client.list_artifacts(run_id)))
folder = mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path="")
print("downloaded:", *sorted(os.listdir(folder)))
print("listed under its name:", *(a.path for a in client.list_artifacts(run_id, "network")[:1]))
PY
seen=$(cd "$folder" && venv/bin/python program.py 2>/dev/null)
echo "$seen"
expected="listed: notes.txt
downloaded: notes.txt
listed under its name: network/MLmodel"
if [ "$seen" != "$expected" ]; then
    printf 'The behavior has changed. Expected:\n%s\n' "$expected"
    exit 1
fi

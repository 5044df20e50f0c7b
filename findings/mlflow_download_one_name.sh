#!/usr/bin/env bash
# Two artifacts of one name from different folders of a run are downloaded by MLflow to the same file.
#
# `mlflow.artifacts.download_artifacts(run_id=…, artifact_path="train/scores.csv", dst_path="here")` writes
# `here/scores.csv`, without the artifact's folder; `test/scores.csv` then replaces it, without a warning.
# `MlflowClient.download_artifacts` does the same. The download of the whole run keeps the folders. So each
# artifact needs a destination of its own, and the returned path is the one to use.
#
# Seen with mlflow 3.17.2 on CPython 3.11: local artifacts, and a server that proxies them.
set -euo pipefail
folder=$(mktemp -d)
server=
trap 'if [ -n "$server" ]; then kill "$server"; wait "$server" || true; fi; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet mlflow==3.17.2 numpy==2.4.6 pandas==3.1.1 'sqlalchemy<2.1'
cat >"$folder/program.py" <<'PY'
import logging
import os
import sys
import tempfile
import warnings
from pathlib import Path

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)

import mlflow
from mlflow import MlflowClient

mlflow.set_tracking_uri(sys.argv[1])
client = MlflowClient()
location = None if sys.argv[1].startswith("http") else f"file://{os.getcwd()}/artifacts"
run = client.create_run(client.create_experiment("scores", artifact_location=location)).info.run_id
for part in ("train", "test"):
    client.log_text(run, f"of {part}", f"{part}/scores.csv")


def show(name, paths, download):
    with tempfile.TemporaryDirectory() as folder:
        for path in paths:
            download(path, folder)
        files = sorted(p for p in Path(folder).rglob("*") if p.is_file())
        print(f"{name}:", *(f"{p.relative_to(folder)} {p.read_text()!r}" for p in files))


def fluent(path, folder):
    mlflow.artifacts.download_artifacts(run_id=run, artifact_path=path, dst_path=folder)


both = ["train/scores.csv", "test/scores.csv"]
show("mlflow.artifacts", both, fluent)
show("MlflowClient", both, lambda path, folder: client.download_artifacts(run, path, folder))
show("the whole run", [""], fluent)
PY
cd "$folder"
port=$(venv/bin/python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export MLFLOW_DISABLE_TELEMETRY=true MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false
PATH="$folder/venv/bin:$PATH" venv/bin/python -m mlflow server --workers 1 \
    --port "$port" --backend-store-uri "sqlite:///$folder/server.db" --artifacts-destination "$folder/proxied" \
    >server.log 2>&1 &
server=$!
until venv/bin/python -c "import urllib.request as r; r.urlopen('http://127.0.0.1:$port/health')" 2>/dev/null; do
    kill -0 "$server"
    sleep 1
done
seen=$(
    for address in "sqlite:///$folder/mlflow.db" "http://127.0.0.1:$port"; do
        venv/bin/python program.py "$address" 2>/dev/null
    done
)
echo "$seen"
expected="mlflow.artifacts: scores.csv 'of test'
MlflowClient: scores.csv 'of test'
the whole run: test/scores.csv 'of test' train/scores.csv 'of train'"
if [ "$seen" != "$expected
$expected" ]; then
    printf 'The behavior has changed. Expected, twice:\n%s\n' "$expected"
    exit 1
fi

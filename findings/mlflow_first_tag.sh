#!/usr/bin/env bash
# MLflow's SQL store loses the race of two writers that set one tag of an experiment for the first time.
#
# `set_experiment_tag` reads whether the tag exists, then inserts it. Of several processes that set the same new
# tag, with the same value, at once, all but one may get an MlflowException that ends in "UNIQUE constraint
# failed: experiment_tags.key, experiment_tags.experiment_id". Setting a tag that exists never fails. A program
# whose workers all describe the experiment at their start has to call again.
#
# Seen with mlflow 3.17.2 (SQLite) on CPython 3.11; n = 60 rounds of four processes.
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

import multiprocessing

from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

ROUNDS, PROCESSES = 60, 4
URI = f"sqlite:///{os.getcwd()}/mlflow.db"


def write(experiment, barrier, errors):
    client = MlflowClient(URI)
    client.get_experiment(experiment)
    for number in range(ROUNDS):
        for kind in ("new", "known"):
            barrier.wait()
            try:
                client.set_experiment_tag(experiment, f"tag {number}", "same")
            except MlflowException as error:
                errors.put((kind, "UNIQUE constraint failed: experiment_tags" in str(error)))


if __name__ == "__main__":
    experiment = MlflowClient(URI).create_experiment("race")
    context = multiprocessing.get_context("fork")
    barrier, errors = context.Barrier(PROCESSES), context.Queue()
    workers = [
        context.Process(target=write, args=(experiment, barrier, errors)) for _ in range(PROCESSES)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    found = []
    while not errors.empty():
        found.append(errors.get())
    new = [unique for kind, unique in found if kind == "new"]
    print("a new tag:", "some calls raised" if new else "no call raised")
    print("all of them UNIQUE constraint failed:", bool(new) and all(new))
    print("a known tag:", "some calls raised" if len(new) < len(found) else "no call raised")
    tags = MlflowClient(URI).get_experiment(experiment).tags
    print("tags at the end:", sum(name.startswith("tag ") for name in tags), "of", ROUNDS)
PY
seen=$(cd "$folder" && venv/bin/python program.py 2>/dev/null)
echo "$seen"
expected="a new tag: some calls raised
all of them UNIQUE constraint failed: True
a known tag: no call raised
tags at the end: 60 of 60"
if [ "$seen" != "$expected" ]; then
    printf 'The behavior has changed. Expected:\n%s\n' "$expected"
    exit 1
fi

#!/usr/bin/env bash
# MLflow upgrades an older SQLite store when it opens it, without a backup, if the store lacks a table.
#
# A store of another schema is refused with "Take a backup of your database, then run 'mlflow db upgrade'",
# but only if it has all tables of the installed version: 3.16.1 refuses a store that 3.15.2 wrote. 3.17.2,
# which has new tables, opens the same store and migrates it, by nothing more than listing experiments.
# There is no way back: 3.15.2 does not open it again. The files of the folder show that nothing was kept.
#
# Seen with mlflow 3.15.2, 3.16.1 and 3.17.2 on CPython 3.11. Source: SqlAlchemyStore.__init__ calls
# _initialize_tables, which upgrades, before _verify_schema.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
cat >"$folder/program.py" <<'PY'
import logging
import os
import sqlite3
import warnings
from pathlib import Path

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)

import mlflow


def schema():
    if not Path("mlflow.db").exists():
        return "none"
    with sqlite3.connect("mlflow.db") as database:
        return database.execute("SELECT version_num FROM alembic_version").fetchone()[0]


before = schema()
try:
    mlflow.MlflowClient(f"sqlite:///{Path('mlflow.db').absolute()}").search_experiments()
    answer = "opens it"
except Exception as error:
    answer = "refuses it" + (", asks for a backup" if "Take a backup" in str(error) else "")
files = sorted(p.name for p in Path().glob("mlflow.db*"))
print(f"{mlflow.__version__} {answer}: schema {before} -> {schema()}, files {', '.join(files)}")
PY
seen=$(
    cd "$folder"
    for version in 3.15.2 3.16.1 3.17.2 3.15.2; do
        venv/bin/pip install --quiet "mlflow==$version" numpy==2.4.6 pandas 'sqlalchemy<2.1' >&2
        venv/bin/python program.py 2>/dev/null
    done
)
echo "$seen"
expected="3.15.2 opens it: schema none -> 6f8d9c3b2a1e, files mlflow.db
3.16.1 refuses it, asks for a backup: schema 6f8d9c3b2a1e -> 6f8d9c3b2a1e, files mlflow.db
3.17.2 opens it: schema 6f8d9c3b2a1e -> dc11669786a5, files mlflow.db
3.15.2 refuses it, asks for a backup: schema dc11669786a5 -> dc11669786a5, files mlflow.db"
if [ "$seen" != "$expected" ]; then
    printf 'The behavior has changed. Expected:\n%s\n' "$expected"
    exit 1
fi

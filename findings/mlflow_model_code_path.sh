#!/usr/bin/env bash
# An MLflow model that was saved "from code" keeps the absolute path of the script on the author's machine.
#
# `save_model(python_model="echo.py")` copies the script into the model, and writes where it lay into
# `MLmodel` as `model_code_path`, user and project folder included. Whoever gets the model reads it, and two
# machines that save the same model write different files. Loading takes the copy: only the path's last part
# matters, so a program may shorten the entry to it.
#
# Seen with mlflow 3.17.2 on CPython 3.11.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet mlflow==3.17.2 numpy==2.4.6 pandas==3.1.1 'sqlalchemy<2.1'
mkdir -p "$folder/author/secret-project"
cat >"$folder/author/secret-project/echo.py" <<'PY'
import mlflow


class Echo(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input: list[str]) -> list[str]:
        return model_input


mlflow.models.set_model(Echo())
PY
cat >"$folder/program.py" <<'PY'
import logging
import os
import shutil
import warnings
from pathlib import Path

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)

import mlflow
import yaml

here = Path.cwd()
source = here / "author/secret-project"
mlflow.pyfunc.save_model("model", python_model=str(source / "echo.py"), pip_requirements=["mlflow"])
print("files:", *sorted(p.name for p in Path("model").iterdir() if p.suffix == ".py" or p.stem == "MLmodel"))
path = Path("model/MLmodel")
content = yaml.safe_load(path.read_text())
flavor = content["flavors"]["python_function"]
print("model_code_path:", flavor["model_code_path"].replace(str(here), ""))
shutil.rmtree(source)
print("without the script:", mlflow.pyfunc.load_model("model").predict(["a"]))
flavor["model_code_path"] = "echo.py"
path.write_text(yaml.safe_dump(content))
print("shortened:", mlflow.pyfunc.load_model("model").predict(["a"]))
PY
seen=$(cd "$folder" && venv/bin/python program.py 2>/dev/null)
echo "$seen"
expected="files: MLmodel echo.py
model_code_path: /author/secret-project/echo.py
without the script: ['a']
shortened: ['a']"
if [ "$seen" != "$expected" ]; then
    printf 'The behavior has changed. Expected:\n%s\n' "$expected"
    exit 1
fi

#!/usr/bin/env bash
# Hydra executes the module of a plugin again when it scans plugins, so that its classes are replaced.
#
# A program that has imported the module keeps the former classes: `isinstance` is false for their
# objects, and they cannot be pickled, which a launcher needs for the jobs of other processes. The
# scan calls `exec_module` on a module that is imported already. Hydra 1.4.0rc3 does not.
#
# Seen with hydra-core 1.3.8 on CPython 3.11.
# Source: `Plugins._scan_all_plugins` of https://pypi.org/project/hydra-core/1.3.8/
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet hydra-core==1.3.8 omegaconf==2.3.1
mkdir -p "$folder/hydra_plugins/probe"
touch "$folder/hydra_plugins/probe/__init__.py"
cat >"$folder/hydra_plugins/probe/launcher.py" <<'PY'
print("executed")


class Job:
    pass
PY
cat >"$folder/program.py" <<'PY'
import pickle

from hydra.core.plugins import Plugins
from hydra_plugins.probe import launcher

job = launcher.Job()
Plugins.instance()
print("is an instance of its class:", isinstance(job, launcher.Job))
try:
    pickle.dumps(job)
    print("pickles")
except pickle.PicklingError as error:
    print("PicklingError:", error)
PY
seen=$(cd "$folder" && venv/bin/python program.py 2>/dev/null)
echo "$seen"
name=hydra_plugins.probe.launcher.Job
expected="executed
executed
is an instance of its class: False
PicklingError: Can't pickle <class '$name'>: it's not the same object as $name"
if [ "$seen" != "$expected" ]; then
    printf 'The behavior has changed. Expected:\n%s\n' "$expected"
    exit 1
fi

#!/usr/bin/env bash
# SQLAlchemy's `URL.set(password=None)` keeps the password.
#
# None means "unchanged" for every argument of `set`, as its docstring says, so a program that removes a
# password before it prints or stores an address keeps it, without an error. `password=""` removes it and
# leaves a colon; `url._replace(password=None)`, which the docstring names, removes it whole.
#
# Seen with SQLAlchemy 2.0.58 on CPython 3.11. Source: URL.set in sqlalchemy/engine/url.py.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet sqlalchemy==2.0.58
cat >"$folder/program.py" <<'PY'
from sqlalchemy import make_url

url = make_url("postgresql://ann:secret@host/lab")
for name, changed in {
    "set(password=None)": url.set(password=None),
    'set(password="")': url.set(password=""),
    "_replace(password=None)": url._replace(password=None),
}.items():
    print(f"{name}: {changed.render_as_string(hide_password=False)}")
PY
seen=$(cd "$folder" && venv/bin/python program.py 2>/dev/null)
echo "$seen"
expected='set(password=None): postgresql://ann:secret@host/lab
set(password=""): postgresql://ann:@host/lab
_replace(password=None): postgresql://ann@host/lab'
if [ "$seen" != "$expected" ]; then
    printf 'The behavior has changed. Expected:\n%s\n' "$expected"
    exit 1
fi

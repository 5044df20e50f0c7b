#!/usr/bin/env bash
# torch.use_deterministic_algorithms imports torch's compiler, and so does the first optimizer.
#
# `use_deterministic_algorithms(True)` sets an option of the compiler and imports all of it for that,
# SymPy included: a thousand modules, about as long as the import of torch itself, in programs that
# compile nothing. `set_deterministic_debug_mode("error")` switches the same setting without it. But
# creating an optimizer imports the compiler as well, to hide a method from it. So this is not paid
# at the import of torch, where one would look, but where training begins.
#
# Seen with torch 2.13.0 on CPython 3.11 (Linux, CPU build).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6 torch==2.13.0
cat >"$folder/program.py" <<'PY'
import sys

import torch


def show(what):
    names = [name for name in ("torch._inductor", "torch._dynamo", "sympy") if name in sys.modules]
    print(f"{what}: {', '.join(names) or 'nothing'}")


show("import torch")
torch.set_deterministic_debug_mode("error")
assert torch.are_deterministic_algorithms_enabled()
show("set_deterministic_debug_mode")
if sys.argv[1] == "optimizer":
    before = len(sys.modules)
    torch.optim.SGD([torch.ones(2, requires_grad=True)], lr=0.1)
    show("SGD")
else:
    before = len(sys.modules)
    torch.use_deterministic_algorithms(True)
    show("use_deterministic_algorithms")
print("more than 500 modules" if len(sys.modules) - before > 500 else "few modules")
PY
seen=$(cd "$folder" && for what in call optimizer; do venv/bin/python program.py "$what" 2>/dev/null; done)
echo "$seen"
expected="import torch: nothing
set_deterministic_debug_mode: nothing
use_deterministic_algorithms: torch._inductor, torch._dynamo, sympy
more than 500 modules
import torch: nothing
set_deterministic_debug_mode: nothing
SGD: torch._inductor, torch._dynamo, sympy
more than 500 modules"
if [ "$seen" != "$expected" ]; then
    printf 'The behavior has changed. Expected:\n%s\n' "$expected"
    exit 1
fi

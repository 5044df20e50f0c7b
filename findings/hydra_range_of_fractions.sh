#!/usr/bin/env bash
# range(0.1,0.4,0.1) of a Hydra multirun has four values under one version and three under the next.
#
# Hydra 1.3.8 adds binary fractions: 0.30000000000000004 is a value, and the end, which the
# documentation excludes, is included where the sum stays below it. Hydra 1.4.0rc3 adds decimal
# fractions. The same command is another sweep: other values, other folders, another number of jobs.
#
# Seen with hydra-core 1.3.8 and 1.4.0rc3 on CPython 3.11.
# Source: https://hydra.cc/docs/advanced/override_grammar/extended/#range-sweep
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat >"$folder/program.py" <<'PY'
import hydra
from hydra.core.override_parser.overrides_parser import OverridesParser

for text in ("range(0.1,0.4,0.1)", "range(0.5,0.1,-0.1)"):
    override = OverridesParser.create().parse_override(f"lr={text}")
    print(hydra.__version__, text, list(override.sweep_iterator()))
PY
for version in 1.3.8 1.4.0rc3; do
    python3 -m venv "$folder/$version"
    omegaconf=omegaconf==2.3.1
    if [ "$version" = 1.4.0rc3 ]; then omegaconf=omegaconf==2.4.1rc1; fi
    "$folder/$version/bin/pip" install --quiet "hydra-core==$version" "$omegaconf"
done
seen=$(for version in 1.3.8 1.4.0rc3; do "$folder/$version/bin/python" "$folder/program.py"; done)
echo "$seen"
expected="1.3.8 range(0.1,0.4,0.1) [0.1, 0.2, 0.30000000000000004, 0.4]
1.3.8 range(0.5,0.1,-0.1) [0.5, 0.4, 0.3, 0.19999999999999998]
1.4.0rc3 range(0.1,0.4,0.1) [0.1, 0.2, 0.3]
1.4.0rc3 range(0.5,0.1,-0.1) [0.5, 0.4, 0.3, 0.2]"
if [ "$seen" != "$expected" ]; then
    printf 'The behavior has changed. Expected:\n%s\n' "$expected"
    exit 1
fi

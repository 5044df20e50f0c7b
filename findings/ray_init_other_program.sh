#!/usr/bin/env bash
# ray.init waits for minutes where another program listens at the address.
#
# A refused connection, and a program that does not speak gRPC, are tried again and again: a mistyped port
# takes minutes to be told.
#
# Seen with ray 2.60.0 on CPython 3.11.
# Source: https://pypi.org/project/ray/2.60.0/
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet ray==2.60.0
cat >"$folder/program.py" <<'PY'
import http.server
import threading

import ray

with http.server.HTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler) as server:
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        ray.init(f"127.0.0.1:{server.server_port}", log_to_driver=False)
    except Exception as error:
        print("raised:", type(error).__name__)
PY
start=$SECONDS
seen=$(timeout 60 "$folder/venv/bin/python" "$folder/program.py" 2>/dev/null || true)
echo "after $((SECONDS - start)) seconds: ${seen:-still waiting}"
if [ -n "$seen" ]; then
    echo "The behavior has changed: the address is refused within a minute."
    exit 1
fi

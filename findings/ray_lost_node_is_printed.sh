#!/usr/bin/env bash
# Ray prints the log of a lost node to standard output although log_to_driver is False.
#
# `ray.init(log_to_driver=False)` keeps the output of workers away. Errors of nodes are printed by another
# thread, which has no switch: when a node is lost, the last lines of its log appear in the program's output.
#
# Seen with ray 2.60.0 on CPython 3.11.
# Source: listen_error_messages in ray/_private/worker.py of https://pypi.org/project/ray/2.60.0/
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet ray==2.60.0
cat >"$folder/program.py" <<'PY'
import time

import ray
from ray.cluster_utils import Cluster

node = {"num_cpus": 1, "object_store_memory": 80_000_000}
cluster = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
lost = cluster.add_node(**node, resources={"here": 1})
ray.init(cluster.address, log_to_driver=False, logging_level="ERROR")


@ray.remote(resources={"here": 1}, max_retries=0)
def wait() -> None:
    time.sleep(60)


task = wait.remote()
time.sleep(5)
cluster.remove_node(lost, allow_graceful=False)
try:
    ray.get(task)
except ray.exceptions.RayError as error:
    print("raised:", type(error).__name__)
time.sleep(2)
ray.shutdown()
cluster.shutdown()
PY
seen=$("$folder/venv/bin/python" "$folder/program.py" 2>/dev/null)
echo "$seen" | grep -a "raised:"
printed=$(echo "$seen" | grep -ac "(raylet)" || true)
echo "lines that begin with (raylet) in standard output: $printed"
if [ "$printed" = 0 ]; then
    echo "The behavior has changed: nothing of the node is printed."
    exit 1
fi

"""The delivery process: lines in, lines out."""

import json
import subprocess
import sys

from recorded import begin

from ablab.tracking.lab import Lab
from ablab.tracking.store import Store


def test_it_reads_runs_and_writes_outcomes_alone(lab: Lab, store: Store) -> None:
    run = begin(lab, epochs=1)
    asked = [{"folder": str(run.folder), "experiment": "s", "name": "ü", "tags": {}}, "close"]
    command = [sys.executable, "-P", "-m", "ablab.tracking.delivery_process", str(lab.root), ""]
    messages = []
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("".join(json.dumps(each) + "\n" for each in asked))
        process.stdin.flush()
        for line in process.stdout:
            messages.append(json.loads(line))
            if "closed" in messages[-1]:
                process.stdin.close()
    assert process.returncode == 0
    life, outcome, closed = messages
    assert (life, closed) == ({}, {"closed": []})
    assert outcome == {
        "folder": str(run.folder),
        "experiment": "s",
        "reason": "",
        "run_id": "",
        "is_deleted": False,
        "is_last": True,
    }
    (mlflow_run,) = store.client.search_runs([store.experiment("s")])
    assert mlflow_run.info.run_name == "ü"


def test_it_ends_in_silence_with_the_command(lab: Lab) -> None:
    """A command that is killed closes both pipes before it has read anything."""
    command = [sys.executable, "-P", "-m", "ablab.tracking.delivery_process", str(lab.root), ""]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stdin.close()
        errors = process.stderr.read()
    assert (errors, process.returncode) == ("", 0)

"""A cluster of one machine: `sbatch`, `srun`, `sacct`, `scancel` and `scontrol`, for tests.

Each program is a link to this file, and acts by its name. Jobs are processes, and their state is a
file in the folder that FAKE_SLURM names.
"""

import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

ROOT = Path(os.environ.get("FAKE_SLURM", "."))
PROGRAMS = ("sbatch", "srun", "sacct", "scancel", "scontrol")


def install(folder: Path) -> dict[str, str]:
    """Write the programs into a folder, and return the environment that finds them."""
    (folder / "bin").mkdir(parents=True)
    for name in PROGRAMS:
        program = folder / "bin" / name
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -S {__file__} {name} "$@"\n')
        program.chmod(0o755)
    return {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "FAKE_SLURM": str(folder)}


def sbatch(script: str) -> None:
    text = Path(script).read_text()
    if "--partition=nowhere" in text:
        sys.exit("sbatch: error: invalid partition specified: nowhere")
    number = len(list(ROOT.glob("*.script"))) + 1
    (ROOT / f"{number}.script").write_text(text)
    last = re.search(r"--array=0-(\d+)%", text)
    names = [f"{number}_{task}" for task in range(int(last[1]) + 1)] if last else [str(number)]
    for name in names:
        (ROOT / f"{name}.state").write_text("PENDING")
        subprocess.Popen(
            [sys.executable, "-S", __file__, "job", name],
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    print(f"Submitted batch job {number}")


def job(name: str) -> None:
    """Run a job, again after each requeue."""
    number, _, task = name.partition("_")
    variables = {"SLURM_JOB_ID": number, "SLURM_NTASKS": "1", "SLURM_PROCID": "0"}
    if task:
        variables |= {"SLURM_ARRAY_JOB_ID": number, "SLURM_ARRAY_TASK_ID": task}
    state, requeue = ROOT / f"{name}.state", ROOT / f"{name}.requeue"
    while True:
        process = subprocess.Popen(
            ["bash", ROOT / f"{number}.script"],
            env={**os.environ, **variables},
            start_new_session=True,
        )
        (ROOT / f"{name}.pid").write_text(str(process.pid))
        state.write_text("RUNNING")
        status = process.wait()
        if not requeue.exists():
            break
        requeue.unlink()
        state.write_text("REQUEUED")
    state.write_text("COMPLETED" if status == 0 else "FAILED")


def srun(*arguments: str) -> None:
    """Run the command behind the options, with its output where they say."""
    place = arguments.index("--output")
    name = (
        f"{os.environ['SLURM_ARRAY_JOB_ID']}_{os.environ['SLURM_ARRAY_TASK_ID']}"
        if ("SLURM_ARRAY_JOB_ID" in os.environ)
        else os.environ["SLURM_JOB_ID"]
    )
    output = arguments[place + 1].replace("%A_%a", name).replace("%j", name).replace("%t", "0")
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    command = arguments[arguments.index("--error") + 2 :]
    os.execvp(command[0], command)


def sacct(*_: str) -> None:
    print("JobID|State|NodeList")
    for path in ROOT.glob("*.state"):
        print(f"{path.stem}|{path.read_text()}|here")


def scancel(*arguments: str) -> None:
    """Send a signal to all processes of a job, also to children in groups of their own."""
    name = next(word for word in arguments if not word.startswith("--"))
    given = [word.partition("=")[2] for word in arguments if word.startswith("--signal=")]
    send(name, getattr(signal, f"SIG{given[0]}") if given else signal.SIGTERM)


def send(name: str, number: int) -> None:
    parents = [int((ROOT / f"{name}.pid").read_text())]
    for parent in parents:
        children = Path(f"/proc/{parent}/task/{parent}/children")
        parents += map(int, children.read_text().split()) if children.exists() else []
    for pid in reversed(parents[1:]):  # the shell waits for its command
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def scontrol(action: str, name: str) -> None:
    assert action == "requeue"
    (ROOT / f"{name}.requeue").touch()


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])

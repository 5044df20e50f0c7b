import platform
import subprocess
import sys

import pytest

STEPS = """
import resource
import sys

import torch

from ablab.training.prepare import keep_freed_memory

if sys.argv[1] == "kept":
    keep_freed_memory()


def step():
    held = [torch.ones(20, 2**18) for _ in range(5)]  # 20 MiB each
    return sum(float(x[0, 0]) for x in held)


step(), step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
step(), step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def pages_asked_for(how: str) -> int:
    command = [sys.executable, "-c", STEPS, how]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")
def test_memory_that_a_step_freed_serves_the_next():
    # The least of a few: a system that reclaims idle memory asks for pages of its own.
    kept = min(pages_asked_for("kept") for _ in range(3))
    assert 5 * kept < pages_asked_for("given back")

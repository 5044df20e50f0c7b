import io
import re

import pytest
from rich.console import Console

from ablab.stats.power import Detectable
from ablab.sweep.console.detectable import print_detectable
from ablab.tracking.spec import Looks, Spec

FOUND = Detectable(5, {5: (0.004, 0.012), 20: (0.001, 0.003)})


def shown(spec, found=FOUND, seconds=None):
    console = Console(file=io.StringIO(), width=120)
    print_detectable(console, spec, found, seconds)
    return console.file.getvalue().splitlines()


def test_each_number_of_seeds_has_its_difference_and_its_time():
    head, five, twenty, basis = shown(Spec(), seconds={5: 60, 20: 240})
    assert re.fullmatch(r"seeds +detectable difference \(80 % power\) +time", head.strip())
    assert re.fullmatch(r"5 +about 0.40 to 1.20 points, by contrast +60 s", five.strip())
    assert re.fullmatch(r"20 +about 0.10 to 0.30 points, by contrast +4 min", twenty.strip())
    assert basis == "The spread comes from 5 finished seeds or more."


def test_looks_take_the_time_at_most_and_equivalence_has_a_margin():
    looks = Looks((5, 20), "pocock", None)
    assert "time, if no variant stops" in shown(Spec(looks=looks))[0]
    assert "detectable margin (80 % power)" in shown(Spec(kind="equivalence"))[0]


def test_what_is_not_known_is_said_to_be():
    assert shown(Spec())[1].split()[-1] == "unknown"
    (line,) = shown(Spec(), found=None)
    assert line.startswith("What numbers of seeds could detect is not known yet")


@pytest.mark.parametrize(("metric", "text"), [("test/loss", "0.0040 to 0.0120, by contrast")])
def test_other_metrics_have_their_own_unit(metric, text):
    assert text in shown(Spec(metric=metric))[1]

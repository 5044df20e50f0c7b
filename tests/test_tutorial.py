"""The tutorial and the how-to guides do what they show: commands run and print what is quoted."""

from pathlib import Path

import pytest
from documented import GUIDES, ROOT, execute, faults, spans, steps, subcommand

from ablab.tracking.background_delivery import DELIVERING

TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text("utf-8")
EXECUTED = [page for page in GUIDES if "```console" in page.read_text("utf-8")]


def test_words_are_compared_and_blanks_are_free() -> None:
    quoted = ["Trial abc starts: 2 epochs", "…", "test accuracy  80.56%"]
    assert faults(quoted, "Trial abc starts: 2 epochs\nmore\ntest accuracy   80.56% \n") == []
    assert faults(quoted, "Trial abc starts: 3 epochs\nmore\ntest accuracy   80.56% \n") != []
    assert faults(quoted, "Trial abc starts: 2 epochs\ntest accuracy   80.56% \nmore\n") != []


@pytest.mark.parametrize("got", ["79.17", "81.94"])
def test_accuracies_may_differ_by_a_few_images(got: str) -> None:
    assert faults(["relu  80.56 %  61.94%"], f"relu {got} %   61.94%\n") == []


@pytest.mark.parametrize(
    ("quoted", "printed"),
    [
        ("test accuracy  80.56%", "test accuracy  78.33%"),
        ("relu  80.56 %  73.06 %", "relu  80.56 %  75.56 %"),
        ("by 12.50 points (95 % CI 8.10 to 16.90", "by 15.28 points (95 % CI 8.10 to 16.90"),
        ("by 12.50 points (95 % CI 8.10 to 16.90", "by 12.50 points (95 % CI 8.10 to 19.00"),
        ("train loss 2.1426", "train loss 2.3026"),
        ("Holm p 0.006", "Holm p 0.097"),
    ],
)
def test_numbers_that_are_not_near_are_named(quoted: str, printed: str) -> None:
    assert faults([quoted], f"{quoted}\n") == []
    (told,) = faults([quoted], f"{printed}\n")
    assert "now" in told


def test_times_sizes_and_ports_are_free() -> None:
    quoted = ["took 0.3 s and 1.5 min, 0.02 GB at http://127.0.0.1:5001 …"]
    assert faults(quoted, "took 12.9 s and 3.0 min, 0.10 GB at http://127.0.0.1:5002 now\n") == []


def test_the_line_of_a_slow_delivery_is_free() -> None:
    assert faults(["epoch 2", "done"], f"epoch 2\n{DELIVERING}\ndone\n") == []


def test_the_tutorial_has_files_and_commands() -> None:
    assert sum(bool(step.command) for step in steps(TUTORIAL)) > 20
    assert sum(bool(step.file) for step in steps(TUTORIAL)) > 3
    assert len(EXECUTED) > 4


@pytest.mark.slow
def test_the_tutorial_runs_as_written(tmp_path: Path) -> None:
    told = execute(TUTORIAL, tmp_path)
    assert not told, "\n".join(told)
    named = spans(TUTORIAL, r"lab/[\w./]+")
    assert named
    assert [name for name in named if not (tmp_path / name).exists()] == []


@pytest.mark.slow
@pytest.mark.parametrize("page", EXECUTED, ids=lambda page: page.stem)
def test_a_guide_runs_as_written(page: Path, tmp_path: Path) -> None:
    told = execute(page.read_text("utf-8"), tmp_path, {*map(subcommand, steps(TUTORIAL))})
    assert not told, "\n".join(told)

"""A finished trial is trained anew from its record, and nothing of it is replaced."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ablab import cli
from ablab.config.trial import key_of
from ablab.tracking.completion import Completion, write_completion
from ablab.tracking.journal import Entry
from ablab.tracking.lab import Lab
from ablab.tracking.run import Run
from ablab.tracking.sealed import write_sealed

SMALL = ["architecture=mlp", "architecture.widths=[8]", "trainer.max_epochs=2", "dataset=digits"]

pytestmark = pytest.mark.usefixtures("own_home")


@pytest.fixture
def trained(lab: Lab) -> Callable[..., Run]:
    def train(*overrides: str) -> Run:
        assert cli.main(["train", *SMALL, "devices=cpu", "--offline", *overrides]) == 0
        (key,) = lab.keys()
        run = lab.finished(key)
        assert run is not None
        return run

    return train


def reproduce(run: Run, *arguments: str) -> int:
    return cli.main(["reproduce", run.key[:6], *arguments])


def test_it_is_equal_to_the_bit_and_replaces_nothing(
    trained: Callable[..., Run], lab: Lab, capfd: pytest.CaptureFixture[str]
) -> None:
    run = trained()
    before = {path.name: path.read_bytes() for path in run.folder.iterdir()}
    for number in ("001", "002"):
        assert reproduce(run) == 0
        text = capfd.readouterr().out
        assert "Equal to the bit: 2 epochs, " in text
        assert "360 predictions, the weights." in text
        new = Run(lab.root / "reproductions" / "trials" / run.key / number)
        assert new.status() == "finished"
    assert lab.runs(run.key) == [run]
    assert {path.name: path.read_bytes() for path in run.folder.iterdir()} == before


def _falsify(run: Run, by: float) -> None:
    """Record other losses than were trained, with valid checksums."""
    from ablab.tracking.completion import describe

    completion = run.completion
    assert completion is not None
    lines = []
    for entry in run.entries():
        metrics = dict(entry.metrics)
        if entry.kind == "epoch":
            metrics["val/loss"] += by
        lines.append(Entry(**{**vars(entry), "metrics": metrics}).encode())
    run.journal.write_text("".join(lines))
    content = {**vars(completion), "artifacts": describe(run.folder, completion.artifacts)}
    write_completion(run.folder, Completion(**content))


def test_figures_that_were_not_trained_are_found(
    trained: Callable[..., Run], capfd: pytest.CaptureFixture[str]
) -> None:
    run = trained()
    _falsify(run, 0.5)
    assert run.status() == "finished"
    assert reproduce(run) == 1
    text = capfd.readouterr().out
    assert "Different: more than 0.01 apart" in text
    assert "First difference: val/loss of epoch 1" in text
    assert "Versions, hardware, threads, data and source code are as recorded" in text


def test_small_differences_are_within_a_tolerance_that_can_be_chosen(
    trained: Callable[..., Run], capfd: pytest.CaptureFixture[str]
) -> None:
    run = trained()
    _falsify(run, 0.001)
    assert reproduce(run) == 0
    assert "Equal within 0.01, not to the bit" in capfd.readouterr().out
    assert reproduce(run, "--tolerance=0.0001") == 1


@pytest.mark.parametrize("value", ["-1", "nan", "inf"])
def test_a_tolerance_must_be_a_number(
    trained: Callable[..., Run], capfd: pytest.CaptureFixture[str], value: str
) -> None:
    assert cli.main(["reproduce", "a", f"--tolerance={value}"]) == 2
    assert "--tolerance must be a number >= 0" in capfd.readouterr().err


def test_recorded_threads_are_used_again(
    trained: Callable[..., Run], lab: Lab, capfd: pytest.CaptureFixture[str]
) -> None:
    run = trained("launcher.threads=2")
    assert run.environment["threads"] == 2
    assert reproduce(run) == 0
    assert "Equal to the bit" in capfd.readouterr().out
    (new,) = Lab(lab.root / "reproductions").runs(run.key)
    assert new.environment["threads"] == 2


def test_edited_source_is_named_and_refused_unless_asked_for(
    trained: Callable[..., Run],
    lab: Lab,
    mine: Callable[[str], Path],
    capfd: pytest.CaptureFixture[str],
) -> None:
    source = "from torch import nn\n\n\nclass Mine(nn.{}):\n    pass\n"
    mine(source.format("ReLU"))
    run = trained("activation=mine")
    mine(source.format("Tanh"))
    assert reproduce(run) == 2
    text = capfd.readouterr().err
    assert text.startswith("ablab: source of mine.Mine must be as recorded, SHA-256 ")
    assert text.count("\n") == 1
    assert not (lab.root / "reproductions").exists()
    assert reproduce(run, "--anyway") == 1
    text = capfd.readouterr().out
    assert "Different" in text
    assert "  mine.Mine" in text


def test_targets_are_judged_by_allow_alone(
    trained: Callable[..., Run],
    lab: Lab,
    mine: Callable[[str], Path],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    mine("from torch import nn\n\n\nclass Mine(nn.ReLU):\n    pass\n")
    run = trained("activation=mine")
    monkeypatch.delenv("ABLAB_ALLOW")
    assert reproduce(run) == 2
    assert "activation._target_ must lie in ablab.components" in capfd.readouterr().err
    assert not (lab.root / "reproductions").exists()
    monkeypatch.setenv("ABLAB_ALLOW", "")  # --allow adds to it
    assert reproduce(run, "--allow", "mine") == 0


def _forge(run: Run, change: Callable[[dict[str, Any]], None], *, with_key: bool = True) -> Run:
    """Change the configuration in a record; all checksums and the key fit."""
    content = json.loads((run.folder / "trial.json").read_text())
    content.pop("sha256")
    change(content["config"])
    key = key_of(content["config"], content["data_hash"], content["sources"])
    key = key if with_key else run.key
    folder = run.folder.parents[1] / key / "001"
    if key != run.key:
        run.folder.parent.rename(folder.parent)
    write_sealed(folder / "trial.json", {**content, "key": key})
    record = json.loads((folder / "completion.json").read_text())
    record.pop("sha256")
    del record["artifacts"]["trial.json"]
    write_sealed(folder / "completion.json", {**record, "key": key})
    forged = Run(folder)
    assert forged.status() == "finished"
    return forged


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda c: c["activation"].update(_target_="os.getcwd"), "activation._target_ must lie in"),
        (
            lambda c: c["loss"].update(_target_="torch.nn.functional.os.getcwd"),
            "loss._target_ must",
        ),
        (lambda c: c["dataset"].update(_target_="ablab.cli.main"), "dataset._target_ must lie in"),
        (lambda c: c["dataset"].update(path="${oc.env:HOME}"), "dataset.path must be resolved"),
        (lambda c: c["optimizer"].update(x={"_target_": "os.getcwd"}), "optimizer.x must not"),
        (lambda c: c["trainer"].update(max_epochs=10**9), "trainer.max_epochs must be at most"),
        (lambda c: c["architecture"].update(widths=[10**12]), "architecture"),
        (lambda c: c.update(init_from="../../../etc/passwd"), "init_from must be the key"),
        (lambda c: c.update(seed="\x1b[2J<script>"), "seed must be an integer"),
        (lambda c: c["launcher"].update(threads=10**9), ""),
        (lambda c: c["devices"].update(devices=10**9), "devices.devices must"),
    ],
)
def test_a_hostile_record_does_nothing_but_an_error(
    trained: Callable[..., Run],
    lab: Lab,
    capfd: pytest.CaptureFixture[str],
    change: Callable[[dict[str, Any]], None],
    rule: str,
) -> None:
    run = _forge(trained(), change)
    capfd.readouterr()
    code = reproduce(run)
    captured = capfd.readouterr()
    if not rule:  # the launcher of this machine is used, not the record's
        assert code == 0
        return
    assert code == 2
    assert captured.err.startswith(f"ablab: {rule}")
    assert captured.out == ""
    assert all(line.isprintable() for line in captured.err.splitlines())
    assert not (lab.root / "reproductions").exists()


def test_a_key_of_another_configuration_is_refused(
    trained: Callable[..., Run], capfd: pytest.CaptureFixture[str]
) -> None:
    run = _forge(trained(), lambda c: c["optimizer"].update(lr=0.5), with_key=False)
    assert reproduce(run) == 2
    assert "key must be that of its configuration" in capfd.readouterr().err


def test_other_data_are_named_and_refused(
    trained: Callable[..., Run], lab: Lab, capfd: pytest.CaptureFixture[str]
) -> None:
    run = trained()
    content = json.loads((run.folder / "trial.json").read_text())
    content |= {"data_hash": "0" * 64}
    content.pop("sha256")
    content["key"] = key_of(content["config"], content["data_hash"], content["sources"])
    folder = run.folder.parents[1] / content["key"]
    run.folder.parent.rename(folder)
    write_sealed(folder / "001" / "trial.json", content)
    record = json.loads((folder / "001" / "completion.json").read_text())
    record.pop("sha256")
    del record["artifacts"]["trial.json"]
    write_sealed(folder / "001" / "completion.json", {**record, "key": content["key"]})
    assert reproduce(Run(folder / "001")) == 2
    text = capfd.readouterr().err
    assert text.startswith(f"ablab: data must be as recorded, SHA-256 {'0' * 64}, got ")
    assert reproduce(Run(folder / "001"), "--anyway") == 0
    text = capfd.readouterr().out
    assert "Equal to the bit" in text
    assert f"data, SHA-256  {'0' * 64} -> " in text


def test_an_unfinished_trial_and_other_overrides_are_refused(
    trained: Callable[..., Run], capfd: pytest.CaptureFixture[str]
) -> None:
    run = trained()
    assert reproduce(run, "optimizer.lr=0.1") == 2
    assert "override must set devices or dataset.path" in capfd.readouterr().err
    assert reproduce(run, "devices=cpu") == 0
    (run.folder / "completion.json").unlink()
    capfd.readouterr()
    assert reproduce(run) == 2
    assert "must be finished to be reproduced" in capfd.readouterr().err


def test_a_trial_that_an_older_version_recorded_lacks_options(
    trained: Callable[..., Run], capfd: pytest.CaptureFixture[str]
) -> None:
    def age(config: dict[str, Any]) -> None:
        for name in ("backend", "freeze", "init_from", "probes", "regularizer"):
            config.pop(name, None)
        config["data"].pop("test_noise")

    run = trained()
    before = run.key
    run = _forge(run, age)
    assert run.key == before  # options at their neutral values are not in the key
    assert reproduce(run) == 0
    assert "Equal to the bit" in capfd.readouterr().out

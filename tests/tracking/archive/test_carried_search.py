"""The record of a sweep's searches travels with the sweep; its trials do not."""

from pathlib import Path

import pytest
from archives import archive_of, import_into, members, pack, write_sweep
from recorded import begin, finish, trial

from ablab.errors import InputError
from ablab.tracking.journal import Entry
from ablab.tracking.lab import Lab
from ablab.tracking.search import SEARCH, SearchJournal, SearchRecord, read_searches

D = "d" * 16


@pytest.fixture
def searched(lab: Lab) -> Lab:
    write_sweep(lab)
    journal = SearchJournal(lab.sweep_folder("mine"))
    how = {"method": "grid", "trials": 1, "seeds": [9000], "pruning": "none"}
    how |= {"metric": "val/accuracy", "goal": "max"}
    journal.begin(SearchRecord("a", "relu", "digits", how))
    journal.ask("a", 0, {"optimizer.lr": 0.1}, [trial(D)])
    journal.tell("a", 0, state="finished", value=0.9, curve=[0.9])
    finish(begin(lab, epochs=1, key=D))
    return lab


def test_record_arrives_and_the_trials_of_the_search_stay(
    searched: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    archive = archive_of(searched)
    assert not any(D in name for name in members(archive))
    import_into(tmp_path / "other", archive, monkeypatch)
    there = Lab(tmp_path / "other")
    own, other = (read_searches(lab.sweep_folder("mine")) for lab in (searched, there))
    assert own == other
    assert other["a"].told[0].value == 0.9
    assert not there.runs(D)


def test_trials_of_a_search_are_checked_as_those_of_the_plan(
    searched: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    content = members(archive_of(searched))
    note = {"search": "a", "number": 1, "values": {}, "trials": [trial("../../x")]}
    line = Entry("ask", 1.0, note=note).encode().encode()
    hostile = pack(content | {f"sweep/{SEARCH}": content[f"sweep/{SEARCH}"] + line})
    with pytest.raises(InputError, match="must be the record of a search"):
        import_into(tmp_path / "other", hostile, monkeypatch)
    assert not (tmp_path / "other/sweeps").exists()

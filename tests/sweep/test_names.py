"""A sweep's name says what was changed, and can be a folder's."""

from ablab.sweep.names import LONGEST, sweep_id


def test_order_and_what_changes_no_trial_do_not_enter_the_name():
    changes = ["trainer.max_epochs=3", "dataset=digits"]
    other = ["devices=cpu", "launcher.slots=1", "tracking=offline", "sweep.seeds=2"]
    assert sweep_id("a", changes) == sweep_id("a", changes[::-1] + other)
    assert sweep_id("a", other) == "a"


def test_name_is_safe_as_a_folder():
    name = sweep_id("a", ["dataset=../b\0"])
    assert "/" not in name
    assert "\0" not in name


def test_long_names_are_cut_and_stay_different():
    names = {sweep_id("a", [f"optimizer.lr={'é' * 100}{n}"]) for n in range(3)}
    assert len(names) == 3
    assert all(len(name.encode()) <= LONGEST for name in names)


def test_long_names_keep_their_beginning():
    assert sweep_id("activations", ["trainer.max_epochs=" + "9" * 200]).startswith("activations [")

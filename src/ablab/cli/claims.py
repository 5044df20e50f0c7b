"""`ablab claims`: the claims of textbooks, their sweeps, and their verdicts."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ablab.cli.claims_table import print_table
from ablab.cli.command import accept_words_after_options, add, add_training, console
from ablab.cli.report import write_report
from ablab.errors import FAILED, FINISHED, InputError
from ablab.folders import lab_folder
from ablab.importing import without_gc

if TYPE_CHECKING:
    from ablab.cli.command import Commands
    from ablab.report.claims.answers import Answer
    from ablab.sweep.claims import ClaimSweep

_ACTIONS = ("run", "report")


def add_to(commands: "Commands") -> None:
    """Add the command to the parser."""
    text = "show the claims of textbooks and their verdicts; run them; write their page"
    claims = add(commands, "claims", _claims, text)
    claims.add_argument(
        "words",
        nargs="*",
        metavar="WORD",
        help="`run` to train, `report` to write the page, then numbers or names of claims (all "
        "without any), size=small (the default) or size=full, and for `run` overrides that change "
        "no trial, such as launcher.slots=1 or sweep.seeds=3",
    )
    claims.add_argument("--fetch", action="store_true", help="run: first download missing data")
    claims.add_argument("--dry-run", action="store_true", help="run: only print plan and forecast")
    claims.add_argument(
        "--second", action="store_true", help="run: also the second setting of each claim"
    )
    add_training(claims)
    accept_words_after_options(claims, _add_words)


def _add_words(options: argparse.Namespace, words: Sequence[str]) -> None:
    options.words = [*options.words, *words]


def _claims(options: argparse.Namespace) -> int:
    from ablab.sweep.claims import SIZES, SMALL, choose, read_claims
    from ablab.sweep.names import trial_changes

    words = list(options.words)
    action = words.pop(0) if words and words[0] in _ACTIONS else ""
    sizes = [word.partition("=")[2] for word in words if word.startswith("size=")]
    size = sizes[-1] if sizes else SMALL
    if size not in SIZES:
        raise InputError(f"size must be one of {', '.join(SIZES)}, got {size or 'nothing'}")
    given = [name for name in ("fetch", "dry_run", "second", "offline") if getattr(options, name)]
    if given and action != "run" and not (given == ["offline"] and action == "report"):
        option = given[0].replace("_", "-")
        raise InputError(f"--{option} must be given with `claims run`, got {action or 'no action'}")
    options.overrides = [w for w in words if "=" in w and not w.startswith("size=")]
    if options.overrides and (action != "run" or trial_changes(options.overrides)):
        rule = "overrides that change no trial, with run (launcher.slots=1, sweep.seeds=3)"
        raise InputError(f"claims must be given {rule}, got {' '.join(options.overrides)}")
    chosen = choose(read_claims(), [word for word in words if "=" not in word])
    if action == "run":
        return _run(options, chosen, size)
    if action == "report":
        return _report(chosen, size, offline=options.offline)
    print_table(_answers(chosen, size))
    return FINISHED


def _answers(claims: Sequence["ClaimSweep"], size: str) -> "list[Answer]":
    with without_gc():
        from ablab.report.claims.answers import Asked, answers
        from ablab.tracking.lab import Lab

    def asked(each: "ClaimSweep") -> Asked:
        second = each.sweep(size, second=True) if each.claim.second else ""
        return Asked(each.name, each.claim, each.sweep(size), second)

    return answers(Lab(lab_folder()), map(asked, claims))


def _run(options: argparse.Namespace, claims: Sequence["ClaimSweep"], size: str) -> int:
    """Run the sweep of each claim, and its second setting where the first contradicts it."""
    from ablab.report.claims.results import CONTRADICTED

    worst = FINISHED
    for each in claims:
        code = _run_sweep(options, each, size, second=False)
        has_second = code in (FINISHED, FAILED) and bool(each.claim.second)
        if has_second and (options.second or _outcome(options, each, size) == CONTRADICTED):
            code = max(code, _run_sweep(options, each, size, second=True))
        if code not in (FINISHED, FAILED):
            return code
        worst = max(worst, code)
    if not options.dry_run:
        print_table(_answers(claims, size))
    return worst


def _outcome(options: argparse.Namespace, each: "ClaimSweep", size: str) -> str:
    """Return the outcome of a claim's first setting; empty for a dry run."""
    found = [] if options.dry_run else _answers([each], size)
    return next((answer.verdict.outcome for answer in found if answer.verdict), "")


def _run_sweep(options: argparse.Namespace, each: "ClaimSweep", size: str, *, second: bool) -> int:
    with without_gc():
        from ablab.data.fetch import DATASETS, fetch
        from ablab.report import interim
        from ablab.sweep.claims import merge
        from ablab.sweep.engine import run_sweep
        from ablab.sweep.planning import required_datasets

    overrides = merge(each.overrides(size, second=second), options.overrides)
    if options.fetch:
        for dataset in sorted(required_datasets(each.name, overrides) & set(DATASETS)):
            fetch(dataset)
    if options.dry_run and each.claim.baselines:
        line = f"{each.name} is compared with scikit-learn's {', '.join(each.claim.baselines)}"
        console().print(f"{line}, trained on the split of each seed", soft_wrap=True)
    if each.claim.pretrain and not _pretrain(options, each, overrides):
        return FINISHED
    code = run_sweep(
        each.name,
        overrides,
        dry_run=options.dry_run,
        offline=options.offline,
        statistics=interim,
        console=console(),
    )
    if not options.dry_run and code in (FINISHED, FAILED):
        _train_baselines(each.sweep(size, second=second))
        write_report(each.sweep(size, second=second), offline=options.offline)
    return code


def _train_baselines(sweep: str) -> None:
    """Train the scikit-learn baselines that the claim of a sweep compares with."""
    from ablab.catalogue.claim_baselines import train_compared
    from ablab.tracking.lab import Lab
    from ablab.tracking.plan import find_plan

    def print_line(line: str) -> None:
        console().print(line, highlight=False, markup=False, soft_wrap=True)

    lab = Lab(lab_folder())
    train_compared(lab, find_plan(lab, sweep), print_line)


def _pretrain(options: argparse.Namespace, each: "ClaimSweep", overrides: Sequence[str]) -> bool:
    """Train the trial whose weights the variants start from; if dry, only say which.

    Returns:
        Whether the lab has it. Without its weights the sweep cannot be planned.
    """
    from ablab.sweep.claims import pretraining
    from ablab.sweep.planning import find_pretrained
    from ablab.training.foreground import run_in_subprocess
    from ablab.training.single import train

    needed = pretraining(each.claim, overrides)
    line = f"{each.name} starts from the weights of ablab train {' '.join(needed)}"
    _, is_trained = find_pretrained(needed) if options.dry_run else ("", True)
    line += "" if is_trained else ": not trained yet, so there is no forecast"
    console().print(line, highlight=False, markup=False, soft_wrap=True)
    if options.dry_run:
        return is_trained
    code, run = train(needed, offline=options.offline, console=console(), runner=run_in_subprocess)
    if code != FINISHED:
        rule = "finished before the sweep that starts from its weights"
        raise InputError(f"trial {run.key} must be {rule}, got exit code {code}")
    return True


def _report(claims: Sequence["ClaimSweep"], size: str, *, offline: bool) -> int:
    """Write the report of each claim's sweeps, and the page of all."""
    with without_gc():
        from ablab.report.claims.page import write_claims
        from ablab.tracking.lab import Lab

    lab, code = Lab(lab_folder()), FINISHED
    planned = set(lab.sweeps())
    for each in claims:
        for second in (False, True) if each.claim.second else (False,):
            if (sweep := each.sweep(size, second=second)) in planned:
                code = max(code, write_report(sweep, offline=offline))
    found = _answers(claims, size)
    print_table(found)
    page = write_claims(lab, found, size)
    console().print(f"Claims: {page}", highlight=False, markup=False, soft_wrap=True)
    return code

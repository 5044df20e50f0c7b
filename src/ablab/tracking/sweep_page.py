"""The page of a sweep in MLflow: the description of its experiment, and a view grouped by variant.

The description begins with the verdict, since MLflow shows its first line until it is opened. Text
that a user adds above or below ours is kept.
"""

import hashlib
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ablab.formatting import format_metric
from ablab.tracking.completion import completion_sha
from ablab.tracking.delivery_state import read_states
from ablab.tracking.lab import Lab
from ablab.tracking.mlflow_names import shorten
from ablab.tracking.plan import Cell, Plan
from ablab.tracking.store import Store
from ablab.tracking.sweep_view import VIEW_TAG, has_blocks, view

NOTE = "mlflow.note.content"
REPORT_FOLDER = "report"
VERDICT_OF = "ablab.verdict_of"  # tag with the digest of the results that a verdict is on
_START = "<!-- ablab writes this part again after each sweep and report; text outside is kept -->"
_END = "<!-- end of ablab's part -->"
_OURS = re.compile("<!-- ablab writes.*?" + re.escape(_END), re.DOTALL)
_LONGEST, _SHORTEST = 5000, 300  # characters: of an experiment's tag, and of a part worth showing
_LONGEST_TEXT = 2000  # characters of a verdict, a question or a name
# Characters with a meaning in Markdown or HTML; an underscore within a word has none.
_MARKUP = re.compile(r"[\\`*\[\]<>&|~@]|(?<!\w)_|_(?!\w)")


@dataclass(frozen=True)
class Result:
    """A cell of the plan as the lab has it.

    Attributes:
        cell: the cell.
        sha: SHA-256 of the completion record of its finished run, else empty.
        value: the sweep's metric; NaN without one.
        run_id: id of its MLflow run, else empty.
    """

    cell: Cell
    sha: str = ""
    value: float = math.nan
    run_id: str = ""


def results(lab: Lab, label: str, plan: Plan) -> list[Result]:
    """Return the results of a plan's cells, from the lab alone.

    Args:
        lab: with the runs.
        label: of the store that shows them.
        plan: the sweep.
    """
    return [_result(lab, label, plan, cell) for cell in plan.cells]


def digest(found: Iterable[Result]) -> str:
    """Return a hash of finished results: a report on the same results has the same one."""
    text = "\n".join(sorted(f"{result.cell.key} {result.sha}" for result in found if result.sha))
    return hashlib.sha256(text.encode()).hexdigest()


def describe_sweep(store: Store, plan: Plan, experiment: str, parent: Any) -> None:
    """Write the description of a sweep's experiment, and the view that groups its runs.

    Args:
        store: the open store.
        plan: the sweep.
        experiment: id of its experiment.
        parent: its parent run in MLflow, whose tags hold the verdict of the last report.
    """
    tags = store.client.get_experiment(experiment).tags
    note = tags.get(NOTE, "")
    own = _OURS.sub("", note).strip()
    space = _LONGEST - len(own) - 2
    wanted = {VIEW_TAG: view(plan)}
    if space >= _SHORTEST:
        part = _part(plan, results(store.lab, store.label, plan), experiment, parent, space)
        found = _OURS.search(note)
        wanted[NOTE] = (
            note[: found.start()] + part + note[found.end() :]
            if found
            else "\n\n".join(filter(None, [part, own]))
        )
    for name, text in wanted.items():
        if tags.get(name) != text and len(text) <= _LONGEST:
            store.client.set_experiment_tag(experiment, name, text)


def _result(lab: Lab, label: str, plan: Plan, cell: Cell) -> Result:
    run = lab.finished(cell.key)
    completion = run.completion if run is not None else None
    if run is None or completion is None:
        return Result(cell)
    state = read_states(run, label).get(plan.sweep)
    value = completion.values.get(plan.spec.metric, math.nan)
    run_id = state.run_id if state is not None and not state.deleted else ""
    return Result(cell, completion_sha(run.folder), value, run_id)


def _part(plan: Plan, found: list[Result], experiment: str, parent: Any, space: int) -> str:
    """Return our part of the description: verdict, question, table, in ``space`` characters.

    Links to single runs are left out if they do not fit, then the last rows of the table.
    """
    intro = [_verdict(found, parent.data.tags), _question(plan, found, experiment, parent)]
    for is_linked in (True, False):
        rows = list(_rows(plan, found, experiment, is_linked=is_linked))
        text = _joined(intro, rows, 0)
        if len(text) <= space:
            return text
    for cut in range(1, len(rows)):
        text = _joined(intro, rows, cut)
        if len(text) <= space:
            return text
    return _joined(["The verdict is too long for this page: it is in the report."], [], 0)


def _joined(intro: list[str], rows: list[str], cut: int) -> str:
    kept, more = rows[: len(rows) - cut], []
    if cut:
        more = [f"{cut} more rows are in the report."]
    table = "\n".join(kept) if len(kept) > 2 else ""
    return "\n\n".join(filter(None, [_START, *intro, table, *more, _END]))


def _verdict(found: list[Result], tags: dict[str, str]) -> str:
    verdict = tags.get("verdict")
    if not verdict:
        return ""
    is_old = tags.get(VERDICT_OF) != digest(found)
    note = " (Trials have finished since: `ablab report` brings this up to date.)" if is_old else ""
    return f"**{_escape(verdict)}**{note}"


def _question(plan: Plan, found: list[Result], experiment: str, parent: Any) -> str:
    finished = sum(bool(result.sha) for result in found)
    run = f"#/experiments/{experiment}/runs/{parent.info.run_id}"
    has_report = bool(parent.data.tags.get("verdict"))
    link = f"[Open the report]({run}/artifacts/{REPORT_FOLDER}/report.html). " if has_report else ""
    count = f"{finished} of {len(found)} trials have finished."
    return f"Question: {_escape(plan.asked)}\n\n{link}{count}"


def _rows(plan: Plan, found: list[Result], experiment: str, *, is_linked: bool) -> Iterator[str]:
    """Yield the lines of the table: one row per variant and block, linked to its runs."""
    groups: dict[tuple[str, str], list[Result]] = {}
    for result in found:
        groups.setdefault((result.cell.variant, result.cell.block), []).append(result)
    several = has_blocks(plan)
    block_head = ["block"] if several else []
    head = ["variant", *block_head, "finished", f"mean {_escape(plan.spec.metric)}"]
    head += ["runs by seed"] if is_linked else []
    yield _line(head)
    yield _line(["---"] * len(head))
    for (variant, block), group in groups.items():
        finished = [result.value for result in group if result.sha]
        blocks = [_escape(block)] if several else []
        cells = [_link_to_variant(variant, experiment), *blocks, f"{len(finished)} of {len(group)}"]
        cells.append(_mean(finished, plan.spec.metric))
        runs = (_link_to_run(result, experiment) for result in group) if is_linked else ()
        yield _line([*cells, *([" ".join(runs)] if is_linked else [])])


def _mean(values: list[float], metric: str) -> str:
    mean = math.fsum(values) / len(values) if values else math.nan
    return format_metric(mean, metric)


def _link_to_variant(variant: str, experiment: str) -> str:
    mark = "'" if '"' in variant else '"'
    if mark in variant or not variant.isprintable():  # MLflow's filters have no escapes
        return _escape(variant)
    query = quote(f"tags.variant = {mark}{variant}{mark}", safe="")
    address = f"#/experiments/{experiment}/runs?workflowType=machine_learning&searchFilter={query}"
    return f"[{_escape(variant)}]({address})"


def _link_to_run(result: Result, experiment: str) -> str:
    seed = str(result.cell.seed)
    return f"[{seed}](#/experiments/{experiment}/runs/{result.run_id})" if result.run_id else seed


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escape(text: str) -> str:
    line = shorten(" ".join(text.split()), _LONGEST_TEXT)
    return _MARKUP.sub(lambda match: f"&#{ord(match.group())};", line)

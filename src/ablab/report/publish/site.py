"""A static site of reports: an index, and for each sweep its page, Markdown, JSON and CSV.

Every link is relative and every page needs no other file, so any web server shows it as it is:
GitHub Pages, a folder on a disk. Nothing is written into the labs.
"""

import hashlib
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ablab.errors import InputError
from ablab.report.analysis.table import read_table
from ablab.report.analysis.tuning import fixed_twin
from ablab.report.build import Report, write_report
from ablab.report.index import Answer, index_text
from ablab.report.page.page import Page
from ablab.report.publish.folder import exclusive, read_earlier, replace_site
from ablab.report.publish.labs import NamedLab, find_published_sweep
from ablab.report.publish.links import copy_linked_files
from ablab.report.publish.plans import merge_plans
from ablab.report.publish.rows import merge_rows
from ablab.tracking.baselines import Baselines, read_baselines
from ablab.tracking.damage import damaged_runs
from ablab.tracking.files import temporary_folder
from ablab.tracking.plan import Plan, read_plan

HOME = "../index.html"
_NAMES = {
    "Markdown": "report.md",
    "trials (CSV)": "trials.csv",
    "variants (CSV)": "variants.csv",
    "contrasts (CSV)": "contrasts.csv",
    "all numbers (JSON)": "report.json",
}
_LONGEST = 60


@dataclass(frozen=True)
class Published(Answer):
    """A sweep of a site.

    Attributes:
        damaged: a message for each damaged trial of its report.
    """

    damaged: tuple[str, ...] = ()

    @property
    def link(self) -> str:
        """The path of the page, relative to the index."""
        return f"{slug(self.sweep)}/report.html"


@dataclass(frozen=True)
class Site:
    """A site on disk.

    Attributes:
        folder: its folder.
        answers: its sweeps.
        num_files: number of its files.
        num_bytes: their size.
    """

    folder: Path
    answers: tuple[Published, ...]
    num_files: int
    num_bytes: int

    @property
    def index(self) -> Path:
        """The page to open."""
        return self.folder / "index.html"


def publish(
    labs: Sequence[NamedLab],
    names: Collection[str],
    folder: Path,
    *,
    conflicts: str = "",
    prune: bool = False,
) -> Site:
    """Write the reports of sweeps as a site, or refresh an earlier one.

    Args:
        labs: one lab, or several that are merged.
        names: of sweeps; none: all.
        folder: new, empty, or an earlier site.
        conflicts: see `ablab.report.publish.rows.merge_rows`.
        prune: whether to remove the pages of sweeps that are not named.

    Raises:
        InputError: a sweep cannot be reported, labs contradict each other, or the folder holds
            anything else. Nothing was written.
    """
    sweeps = list(dict.fromkeys(find_published_sweep(labs, name) for name in names))
    sweeps = sweeps or sorted({name for each in labs for name in each.lab.sweeps()})
    if not sweeps:
        raise InputError("sweeps must be planned before --all publishes them, got none")
    pages = _pages(labs, sweeps, conflicts)
    with exclusive(folder):
        earlier = read_earlier(folder)
        if (unnamed := sorted(set(earlier.sweeps) - set(sweeps))) and not prune:
            raise InputError(
                f"every sweep of {folder} must be named again, got none of {', '.join(unnamed)}; "
                "name it too, or remove its pages with --prune"
            )
        with temporary_folder() as new:
            answers = tuple(_write(page, new, labs) for page in pages)
            _write_index(answers, new)
            files = {p.relative_to(new).as_posix(): p for p in new.rglob("*") if p.is_file()}
            size = sum(path.stat().st_size for path in files.values())
            replace_site(folder, files, sweeps, earlier)
    return Site(folder, answers, len(files), size)


def slug(sweep: str) -> str:
    """Return the folder of a sweep in a site: safe in addresses and on every file system.

    Example:
        >>> slug("activations"), slug("demo [seed=1/2]")
        ('activations', 'demo-seed-1-2-be7c9c67')
    """
    plain = re.sub("[^a-z0-9_]+", "-", sweep.lower())[:_LONGEST].strip("-")
    if plain and plain == sweep:
        return plain
    digest = hashlib.sha256(sweep.encode(errors="surrogatepass")).hexdigest()[:8]
    return f"{plain}-{digest}".strip("-")


def _pages(labs: Sequence[NamedLab], sweeps: Sequence[str], conflicts: str) -> list[Page]:
    """Return the pages of all sweeps, or raise the faults of all of them."""
    pages, faults = [], []
    for sweep in sweeps:
        try:
            pages.append(merged_page(labs, sweep, conflicts))
        except InputError as error:
            faults.append(str(error) if len(sweeps) == 1 else f"{sweep}: {error}")
    if faults:
        raise InputError("\n".join(faults))
    return pages


def merged_page(labs: Sequence[NamedLab], sweep: str, conflicts: str = "") -> Page:
    """Return the content of a sweep's report on the trials of all labs that planned it.

    Args:
        labs: in the order in which they count.
        sweep: name on disk.
        conflicts: see `ablab.report.publish.rows.merge_rows`.

    Raises:
        InputError: a plan is damaged, or the labs contradict each other.
    """
    plans: dict[str, Plan] = {}
    for each in labs:
        if plan := read_plan(each.lab.sweep_folder(sweep)):
            plans[each.name] = plan
    notices: list[str] = []
    plan, own = merge_plans(plans), [each for each in labs if each.name in plans]
    if len(labs) == 1:
        rows = read_table(labs[0].lab, plan)
    elif len(own) == 1:
        rows = tuple(replace(r, lab=own[0].name) for r in read_table(own[0].lab, plan))
    else:
        rows, notices = merge_rows(own, plan, conflicts)
    fixed = fixed_twin(own[0].lab, plan)
    return Page(plan, rows, _baselines(labs), tuple(notices), HOME, fixed)


def _baselines(labs: Sequence[NamedLab]) -> tuple[Baselines, ...]:
    """Return the scikit-learn baselines of all labs; of the same split, those of the first."""
    known: dict[str, Baselines] = {}
    for each in labs:
        for record in read_baselines(each.lab.root):
            known.setdefault(record.name, record)
    return tuple(known.values())


def _write(page: Page, site: Path, labs: Sequence[NamedLab]) -> Published:
    folder = site / slug(page.plan.sweep)
    report: Report = write_report(page, folder)
    copy_linked_files(folder, page.rows, home=HOME)
    files = tuple((text, f"{folder.name}/{name}") for text, name in _NAMES.items())
    plans = [(each.lab, read_plan(each.lab.sweep_folder(page.plan.sweep))) for each in labs]
    damaged = [line for lab, plan in plans if plan for line in damaged_runs(lab, plan, {})]
    return Published(page.plan.sweep, report, files=files, damaged=tuple(damaged))


def _write_index(answers: Sequence[Published], site: Path) -> None:
    (site / ".nojekyll").touch()  # GitHub Pages then serves every file as it is
    for form in ("html", "md"):
        (site / f"index.{form}").write_text(index_text(answers, form), "utf-8")

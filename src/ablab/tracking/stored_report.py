"""Whether the lab's own store has a sweep's report already, asked without MLflow."""

from pathlib import Path

from ablab.tracking.address import local_folder, locate
from ablab.tracking.delivery_state import OWN_STORE, stored_parents
from ablab.tracking.lab import Lab
from ablab.tracking.plan import read_plan
from ablab.tracking.store import prepare
from ablab.tracking.store_errors import translate_errors
from ablab.tracking.sweep_page import REPORT_FOLDER, VERDICT_OF, digest, results
from ablab.tracking.sweep_run import REPORT_SHA, annotation, report_files, report_sha


def has_report(lab: Lab, sweep: str, folder: Path, verdict: str) -> bool:
    """Return whether the lab's own store certainly has a report.

    It has then received these files and this verdict, on the results that the lab has now. To ask
    MLflow would take two seconds of a processor, for its import.

    Args:
        lab: whose store is asked; False if its runs go to another one.
        sweep: the sweep's name.
        folder: where the report's files are.
        verdict: the report's verdict.
    """
    address, plan = locate(lab.root), read_plan(lab.sweep_folder(sweep))
    if plan is None or not address.is_own or address.database is None:
        return False
    if not address.database.exists():
        return False
    with translate_errors(address):
        prepare(lab)
        parents = stored_parents(address.database, sweep)
    if len(parents) != 1:
        return False
    ((artifacts, tags),) = parents
    wanted = {REPORT_SHA: report_sha(folder), VERDICT_OF: digest(results(lab, OWN_STORE, plan))}
    wanted |= annotation(plan.asked, verdict)
    target = local_folder(artifacts)
    if target is None or any(tags.get(name) != text for name, text in wanted.items()):
        return False
    copies = {name: target / REPORT_FOLDER / name for name in report_files(folder)}
    return all(
        copy.is_file() and copy.stat().st_size == (folder / name).stat().st_size
        for name, copy in copies.items()
    )

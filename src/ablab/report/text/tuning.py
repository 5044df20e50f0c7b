"""Sentences on tuning: the answer of a search, and the same question at fixed values."""

from ablab.formatting import format_metric
from ablab.report.analysis.analysis import Analysis
from ablab.report.analysis.tuning import tuned
from ablab.text import format_count
from ablab.tracking.tuning import format_overrides


def search_clauses(analysis: Analysis) -> tuple[list[str], bool]:
    """Return the clauses on a plan without a comparison, and whether they answer its question.

    A search is answered by the best setting of each block; a comparison that waits for its tuning
    has no answer yet.
    """
    plan = analysis.plan
    tune, searches = plan.spec.tune, tuned(plan)
    done = sum(sum(each.states.values()) for each in searches)
    total = tune["trials"] * max(1, len(plan.spec.variants)) * max(1, len(plan.spec.blocks))
    found = [each for each in searches if each.chosen]
    if done < total or len(found) < len(searches) or not tune.get("only"):
        what = "tried" if tune.get("only") else "tuned before the comparison"
        return [f"No verdict yet: {done} of {total} settings have been {what}"], False
    clauses = []
    for each in found:
        assert each.chosen is not None
        where = f" in {each.block}" if len(found) > 1 else ""
        value = format_metric(each.chosen["value"], tune["metric"])
        clauses.append(
            f"of {format_count(tune['trials'], 'trial')}{where} the best has "
            f"{format_overrides(each.chosen['values'])} ({tune['metric']} {value}, chosen as the "
            f"best of {tune['trials']})"
        )
    return [clauses[0][0].upper() + clauses[0][1:], *clauses[1:]], True


def fixed_clause(fixed: str, sweep: str) -> str:
    """Return the clause that puts the verdict at fixed hyper-parameters beside the tuned one.

    Args:
        fixed: that verdict's first clause.
        sweep: name of its sweep.
    """
    return f"in the sweep {sweep}, {fixed[0].lower()}{fixed[1:]}"

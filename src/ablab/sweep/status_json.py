"""The progress of sweeps as JSON; docs/howto/part_of_a_sweep.md documents the fields."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from ablab.sweep.job import Job, make_jobs
from ablab.sweep.names import sweep_id
from ablab.sweep.states import read_states
from ablab.sweep.tune.samplers import best_of
from ablab.tracking.lab import Lab
from ablab.tracking.plan import Plan, find_plan, read_plans
from ablab.tracking.search import SearchRecord

SCHEMA = 1
STATES = ("finished", "diverged", "failed", "damaged", "stopped", "running", "waiting")


def status_document(name: str | None, overrides: Sequence[str], lab: Lab) -> dict[str, Any]:
    """Return the progress of a sweep, or of all sweeps.

    Args:
        name: of the sweep; None for all.
        overrides: those with which it was run.
        lab: with the sweeps.

    Raises:
        InputError: there is no such sweep.
        DamagedError: its plan is damaged.
    """
    if name is not None:
        plan = find_plan(lab, sweep_id(name, overrides))
        jobs = _read(lab, plan)
        return {
            "schema": SCHEMA,
            **_summary(plan, jobs),
            "metric": plan.spec.metric,
            "goal": plan.spec.goal,
            "trials": [_trial(job, plan.spec.metric) for job in jobs],
            "damaged": [job.reason for job in jobs if job.state == "damaged"],
        }
    plans, damaged = read_plans(lab)
    read = [(plan, _read(lab, plan)) for plan in plans]
    reasons = [job.reason for _, jobs in read for job in jobs if job.state == "damaged"]
    return {
        "schema": SCHEMA,
        "sweeps": [_summary(plan, jobs) for plan, jobs in read],
        "damaged": list(dict.fromkeys([*damaged.values(), *reasons])),
    }


def _read(lab: Lab, plan: Plan) -> list[Job]:
    jobs = make_jobs(plan)
    read_states(lab, jobs)
    return jobs


def _summary(plan: Plan, jobs: Sequence[Job]) -> dict[str, Any]:
    counts = Counter(job.state for job in jobs)
    return {
        "sweep": plan.sweep,
        "question": plan.question,
        "asked_with": plan.asked_with,
        "counts": {state: counts[state] for state in STATES},
        "searches": [_search(search) for search in plan.current_searches],
        "look": _look(plan),
        "complete": all(job.state in ("finished", "diverged", "failed") for job in jobs)
        and all(len(search.told) >= search.num_trials for search in plan.current_searches),
    }


def _look(plan: Plan) -> dict[str, Any] | None:
    looks = plan.spec.looks
    return None if looks is None else {"n": len(plan.spec.seeds), "sizes": list(looks.sizes)}


def _search(search: SearchRecord) -> dict[str, Any]:
    best = best_of(search.told, -1 if search.definition["goal"] == "min" else 1)
    return {
        "variant": search.variant,
        "block": search.block,
        "tried": len(search.told),
        "trials": search.num_trials,
        "metric": search.definition["metric"],
        "best": {"values": best.values, "value": best.value} if best else None,
    }


def _trial(job: Job, metric: str) -> dict[str, Any]:
    if job.state == "diverged":
        job.read_journal()
    return {
        "key": job.cell.key,
        "variant": job.cell.variant,
        "seed": job.cell.seed,
        "block": job.cell.block,
        "state": job.state,
        "value": job.completion.values.get(metric) if job.completion else None,
        "epochs": job.max_epochs if job.state == "finished" else len(job.epochs),
        "max_epochs": job.max_epochs,
        "run": str(job.run.folder) if job.run else None,
        "reason": job.reason or None,
    }

"""The view of a sweep's runs in MLflow: grouped by variant, and by block if there are several.

MLflow keeps a view that is shared by its button as a tag of the experiment; ours is such a tag.
"""

import json

from ablab.tracking.plan import Plan

_VIEW = "ablab"  # name of the view in addresses
VIEW_TAG = f"mlflow.sharedViewState.{_VIEW}"
_COLUMNS = ("val/accuracy", "parameters")
_LONGEST = 5000  # characters of a tag; each closed group is named in it


def page_route(experiment: str) -> str:
    """Return the address of an experiment's page on a server, grouped by variant."""
    return (
        f"#/experiments/{experiment}/runs?workflowType=machine_learning&viewStateShareKey={_VIEW}"
    )


def view(plan: Plan) -> str:
    """Return the state of the page as JSON: groups closed, the sweep's metric in a column."""
    keys = ["variant", *(["block"] if has_blocks(plan) else [])]
    groups = {
        ",".join(f"tag.{key}.{getattr(cell, key)}" for key in keys): False for cell in plan.cells
    }
    columns = dict.fromkeys((plan.spec.metric, *_COLUMNS))
    state = {
        "groupBy": {
            "aggregateFunction": "average",
            "groupByKeys": [{"mode": "tag", "groupByData": key} for key in keys],
        },
        "groupsExpanded": groups,
        "selectedColumns": ["attributes.`Created`", *(f"metrics.`{name}`" for name in columns)],
        "runsPinned": [],
        "runsHidden": [],
        "orderByKey": "attributes.start_time",
        "orderByAsc": False,
        "searchFilter": "",
        "startTime": "ALL",
        "lifecycleFilter": "Active",
        "modelVersionFilter": "All Runs",
        "datasetsFilter": [],
    }
    text = json.dumps(state)
    if len(text) <= _LONGEST:
        return text
    return json.dumps({**state, "groupsExpanded": {}})  # all are open then


def has_blocks(plan: Plan) -> bool:
    """Return whether the plan has several blocks."""
    return len({cell.block for cell in plan.cells}) > 1

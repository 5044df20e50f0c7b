"""A template of this package, filled with what it shows."""

from typing import Any

from ablab.report.markup import environment


def fill(template: str, **content: Any) -> str:
    """Return the text of a template, named by its file; HTML escapes what it is given."""
    return environment(template).get_template(template).render(**content)

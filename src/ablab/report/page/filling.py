"""Rendering of the Jinja templates."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ablab.report.markup import code, markdown, unbroken, unhyphenated, visible

TEMPLATES = Path(__file__).parent / "templates"
_FILTERS = {"md": markdown, "unbroken": unbroken, "unhyphenated": unhyphenated, "code": code}


def fill(template: str, filters: Mapping[str, Callable[..., Any]] = {}, /, **content: Any) -> str:
    """Return the text of a rendered template.

    HTML templates escape their content. Control characters, such as those that change the
    direction of writing, are shown as escapes in all templates.

    Args:
        template: its file name.
        filters: additional filters by name.
        content: the variables of the template.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=template.endswith(".html.j2"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalized,
    )
    environment.filters |= {**_FILTERS, **filters}
    return environment.get_template(template).render(**content)


def _finalized(value: Any) -> Any:
    if isinstance(value, Markup):
        return Markup(visible(value))
    return visible(value) if isinstance(value, str) else value

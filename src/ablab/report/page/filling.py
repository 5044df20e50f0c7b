"""The templates of the pages, and how each is filled with what it shows."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ablab.report.markup import code, markdown, unbroken, visible, whole

TEMPLATES = Path(__file__).parent / "templates"
_FILTERS = {"md": markdown, "unbroken": unbroken, "whole": whole, "code": code}


def fill(template: str, filters: Mapping[str, Callable[..., Any]] = {}, /, **content: Any) -> str:
    """Return the text of a template.

    HTML escapes what it is given. Characters that steer are shown as escapes, wherever they come
    from.

    Args:
        template: named by its file.
        filters: of this template alone, by name.
        content: what it shows.
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

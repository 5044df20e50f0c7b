"""A template of this package, filled with what it shows."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ablab.report.page import markdown, unbroken


def fill(template: str, **content: Any) -> str:
    """Return the text of a template, named by its file; HTML escapes what it is given."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=template.endswith(".html.j2"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"md": markdown, "unbroken": unbroken}
    return environment.get_template(template).render(**content)

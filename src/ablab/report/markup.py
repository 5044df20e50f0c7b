"""Text prepared for HTML and Markdown."""

import re

from markupsafe import Markup, escape

from ablab.text import escape_controls

NBSP = "\N{NO-BREAK SPACE}"


def visible(text: str) -> str:
    r"""Return text with control characters, such as marks of writing direction, as escapes.

    Example:
        >>> print(visible("a\u202eb"))
        a\u202eb
    """
    return escape_controls(text, keep="\n\t")


def markdown(text: str) -> str:
    r"""Return text escaped for Markdown, on one line, also for a table's cell.

    Example:
        >>> print(markdown("a|b<c> * d_e < 1"))
        a\|b&lt;c> \* d\_e < 1
    """
    text = re.sub(r"<(?=[\w/!?])", "&lt;", text.replace("&", "&amp;"))
    return " ".join(re.sub(r"([\\`*_\[\]|#~$])", r"\\\1", text).split())


def code(text: str) -> str:
    r"""Return text as inline code of Markdown, with as many backticks as it needs.

    Example:
        >>> print(code("a b"), code("a`b"), code("`"))
        `a b` ``a`b`` `` ` ``
    """
    text = " ".join(text.split())
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence, pad = "`" * (longest + 1), " " * (text[:1] == "`" or text[-1:] == "`")
    return f"{fence}{pad}{text}{pad}{fence}"


def unhyphenated(text: str) -> Markup:
    """Return text as HTML in which no line breaks within a name such as LeNet-5."""
    named = re.sub(r"\w+-\d+(?!\w)", r"<span>\g<0></span>", str(escape(text)))
    return Markup(named)


def unbroken(text: str) -> str:
    """Return text with no-break spaces between numbers and their units or names."""
    joints = (
        r"(?<=\d) (?=%)|(?<=Holm|flip) (?=p)|(?<=\bn) (?== )|(?<=\b[np]) (?=[<\d])|(?<=[<=]) (?=\d)"
    )
    return re.sub(joints, NBSP, text)

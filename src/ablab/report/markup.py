"""Text as HTML and Markdown take it."""

import re

from markupsafe import Markup, escape

from ablab.text import printable

NBSP = "\N{NO-BREAK SPACE}"


def visible(text: str) -> str:
    r"""Return text in which what steers a page, such as the direction of writing, is an escape.

    Example:
        >>> print(visible("a\u202eb"))
        a\u202eb
    """
    return printable(text, keep="\n\t")


def markdown(text: str) -> str:
    r"""Return text so that Markdown shows it as it is, in a table's cell too.

    Example:
        >>> print(markdown("a|b<c> * d_e < 1"))
        a\|b&lt;c> \* d\_e < 1
    """
    text = re.sub(r"<(?=[\w/!?])", "&lt;", text.replace("&", "&amp;"))
    return " ".join(re.sub(r"([\\`*_\[\]|#~$])", r"\\\1", text).split())


def code(text: str) -> str:
    r"""Return text as Markdown's code in a line, whatever it holds.

    Example:
        >>> print(code("a b"), code("a`b"), code("`"))
        `a b` ``a`b`` `` ` ``
    """
    text = " ".join(text.split())
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence, pad = "`" * (longest + 1), " " * (text[:1] == "`" or text[-1:] == "`")
    return f"{fence}{pad}{text}{pad}{fence}"


def whole(text: str) -> Markup:
    """Return text as HTML in which no line ends within a name such as LeNet-5."""
    named = re.sub(r"\w+-\d+(?!\w)", r"<span>\g<0></span>", str(escape(text)))
    return Markup(named)


def unbroken(text: str) -> str:
    """Return text whose figures stay with their units at a line's end."""
    joints = (
        r"(?<=\d) (?=%)|(?<=Holm|flip) (?=p)|(?<=\bn) (?== )|(?<=\b[np]) (?=[<\d])|(?<=[<=]) (?=\d)"
    )
    return re.sub(joints, NBSP, text)

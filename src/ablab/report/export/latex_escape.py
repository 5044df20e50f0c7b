"""Text as LaTeX takes it."""

import re
import unicodedata

_ESCAPED = "&%$#_{}"
_WRITTEN = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "`": r"\textasciigrave{}",
    "<": "$<$",
    ">": "$>$",
    "|": "$|$",
    '"': r"\texttt{\char34}",
    "[": "{[}",  # behind the end of a row it would begin an option
    "]": "{]}",
    "*": "{*}",  # likewise a star
    "\N{MINUS SIGN}": "$-$",
    "×": r"$\times$",
    "±": r"$\pm$",
    "·": r"$\cdot$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "–": r"\textendash{}",
    "\N{EM DASH}": r"\textemdash{}",
    "…": r"\ldots{}",
    "\N{NO-BREAK SPACE}": "~",
    "\N{LEFT SINGLE QUOTATION MARK}": r"\textquoteleft{}",
    "\N{RIGHT SINGLE QUOTATION MARK}": r"\textquoteright{}",
    "\N{GREEK SMALL LETTER ALPHA}": r"$\alpha$",
    "\N{GREEK SMALL LETTER BETA}": r"$\beta$",
    "σ": r"$\sigma$",
}
_FIRST, _LAST = "À", "ÿ"  # of the letters of Latin-1, which every LaTeX sets
_UNKNOWN = "ÐÞð÷þ"  # but for these


def escape(text: str) -> str:
    r"""Return text that a plain pdflatex shows as it is; what it has no letter for as its code.

    Example:
        >>> print(escape("5 % of a_b & c"), escape("[x]"), escape("中"))
        5 \% of a\_b \& c {[}x{]} \texttt{U+4E2D}
    """
    written = "".join(map(_written, unicodedata.normalize("NFC", text)))
    return re.sub("-(?=-)", "{-}", written)  # two hyphens would be a dash


def _written(c: str) -> str:
    if c in _WRITTEN:
        return _WRITTEN[c]
    if c in _ESCAPED:
        return f"\\{c}"
    if " " <= c <= "~" or (_FIRST <= c <= _LAST and c not in _UNKNOWN):
        return c
    return " " if c.isspace() else rf"\texttt{{U+{ord(c):04X}}}"

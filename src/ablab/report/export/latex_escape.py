"""Text escaped for LaTeX."""

import re
import unicodedata

_ESCAPED = "&%$#_{}"
_REPLACED = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "`": r"\textasciigrave{}",
    "<": "$<$",
    ">": "$>$",
    "|": "$|$",
    '"': r"\texttt{\char34}",
    "[": "{[}",  # after the end of a row it would start an option
    "]": "{]}",
    "*": "{*}",  # likewise
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
_FIRST, _LAST = "À", "ÿ"  # letters of Latin-1, which every LaTeX can set
_UNKNOWN = "ÐÞð÷þ"  # except these


def escape(text: str) -> str:
    r"""Return text for plain pdflatex; characters without a glyph become their code points.

    Example:
        >>> print(escape("5 % of a_b & c"), escape("[x]"), escape("中"))
        5 \% of a\_b \& c {[}x{]} \texttt{U+4E2D}
    """
    escaped = "".join(map(_escape_character, unicodedata.normalize("NFC", text)))
    return re.sub("-(?=-)", "{-}", escaped)  # two hyphens would become a dash


def _escape_character(c: str) -> str:
    if c in _REPLACED:
        return _REPLACED[c]
    if c in _ESCAPED:
        return f"\\{c}"
    if " " <= c <= "~" or (_FIRST <= c <= _LAST and c not in _UNKNOWN):
        return c
    return " " if c.isspace() else rf"\texttt{{U+{ord(c):04X}}}"

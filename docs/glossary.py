"""Write `glossary.md` from the words that reports explain: `make docs`."""

from pathlib import Path

from ablab.report.text.glossary import COLUMNS, FOREIGN, GLOSSARY

PAGE = Path(__file__).parent / "glossary.md"
HEAD = """# Glossary

The words that reports explain where they stand, with the meanings given there. This page is made
from the same list by `make docs`. Words of the command line: an *axis* is a group of
interchangeable *components* (`activation`: `relu`, `elu`); a *sweep* is one question; a *run* is
one training of a trial from its start; the *lab* is the folder that holds all your work.

## Words
"""
RUNS = """
## In reports on other MLflow runs

| word | meaning there |
| --- | --- |
"""
TITLES = """
## Titles of columns

| title | explained under |
| --- | --- |
"""


def page() -> str:
    """Return the text of the page."""
    words = "".join(f"\n### {word}\n\n{_sentence(text)}\n" for word, text in GLOSSARY.items())
    runs = "".join(f"| {word} | {_sentence(text)} |\n" for word, text in FOREIGN.items())
    titles = "".join(f"| {title} | {word} |\n" for title, word in COLUMNS.items())
    return HEAD + words + RUNS + runs + TITLES + titles


def _sentence(text: str) -> str:
    return (text[0].upper() + text[1:]).replace("*", "\\*")


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), "utf-8")


if __name__ == "__main__":
    main()

"""Write `glossary.md` from the glossary of reports: `make docs`."""

from pathlib import Path

from ablab.report.text.glossary import COLUMNS, FOREIGN, GLOSSARY

PAGE = Path(__file__).parent / "glossary.md"
HEAD = """# Glossary

The terms that reports define. This page is generated from the same list by `make docs`. Terms of
the command line: an *axis* is a group of interchangeable *components* (`activation`: `relu`,
`elu`); a *sweep* is one question; a *run* is one training of a trial from its start; the *lab* is
the folder that holds all your work.

## Terms
"""
RUNS = """
## In reports on other MLflow runs

| term | definition |
| --- | --- |
"""
TITLES = """
## Titles of columns

| title | defined under |
| --- | --- |
"""


def page() -> str:
    """Return the text of the page."""
    terms = "".join(f"\n### {term}\n\n{_sentence(text)}\n" for term, text in GLOSSARY.items())
    runs = "".join(f"| {term} | {_sentence(text)} |\n" for term, text in FOREIGN.items())
    titles = "".join(f"| {title} | {term} |\n" for title, term in COLUMNS.items())
    return HEAD + terms + RUNS + runs + TITLES + titles


def _sentence(text: str) -> str:
    return (text[0].upper() + text[1:]).replace("*", "\\*")


def main() -> None:
    """Write the page."""
    PAGE.write_text(page(), "utf-8")


if __name__ == "__main__":
    main()

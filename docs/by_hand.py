"""Write `by_hand.md` and its pictures from `ablab.reference`: python docs/by_hand.py."""

import ast
import html
import importlib
import inspect
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, ModuleType

import by_hand_pictures

HERE = Path(__file__).parent
PAGE = HERE / "by_hand.md"
PICTURES = HERE / "pictures" / "by_hand"
MODULES = (
    *("sizes", "windows", "convolution", "transposed", "pooling", "lp_pooling", "linear"),
    *("activation", "rectifier", "normalization", "dropout", "squared_error", "absolute_error"),
    *("entropy", "decay", "recurrent", "update", "average", "information"),
)
HEAD = """# By hand

What a convolutional network computes, forward and backward, written out in numpy: formula, the code
that does it, and a picture. `backend=by_hand` trains a network through these very functions:

    ablab train architecture=lenet5 dataset=mnist backend=by_hand

Each agrees with torch to 1e-10 on random shapes (`tests/reference/`); what has no counterpart here
is refused by name before training. All is float64; images are (N, C, H, W); a name that begins
with `d` is the gradient of the loss by what follows. Checks of values are left out. This page is
made from the docstrings and the source by `python docs/by_hand.py`.
"""


def page() -> str:
    """Return the text of the page."""
    return HEAD + "".join(_section(_module(name)) for name in MODULES)


def _section(module: ModuleType) -> str:
    """Return a module's part: its own words, and a table of a row a function."""
    doc = inspect.getdoc(module) or ""
    title, _, rest = doc.partition("\n\n")
    rows = "".join(_row(module, function) for function in _functions(module))
    name = module.__name__.rpartition(".")[2]
    head = "<tr><th>formula</th><th>code</th><th>picture</th></tr>\n"
    words = f"`ablab.reference.{name}`\n\n" + (f"{rest}\n\n" if rest else "")
    return f"\n## {title.rstrip('.')}\n\n{words}<table>\n{head}{rows}</table>\n"


def _row(module: ModuleType, function: FunctionType) -> str:
    doc = inspect.getdoc(function) or ""
    summary = doc.partition("\n\n")[0].replace("\n", " ")
    name = f"{module.__name__.rpartition('.')[2]}.{function.__name__}"
    picture = ""
    if name in by_hand_pictures.DRAWINGS:
        picture = f'<img src="pictures/by_hand/{name}.svg" alt="{name}">'
    return (
        f"<tr><td><b>{function.__name__}</b>: {_html(_plain(summary))}\n"
        f"<pre>{_html(_formula(doc))}</pre></td>\n"
        f"<td><pre>{_html(_code(function))}</pre></td>\n<td>{picture}</td></tr>\n"
    )


def _html(text: str) -> str:
    return html.escape(text, quote=False)


def _plain(text: str) -> str:
    return text.replace("``", "").replace("`", "")


def _formula(doc: str) -> str:
    """Return what stands under ``Formula:``."""
    _, _, after = doc.partition("Formula:\n")
    assert after, doc
    return textwrap.dedent(after.partition("\n\n")[0]).strip("\n")


def _code(function: FunctionType) -> str:
    """Return a function's body, docstring and checks left out."""
    source = textwrap.dedent(inspect.getsource(function))
    definition = ast.parse(source).body[0]
    assert isinstance(definition, ast.FunctionDef)
    lines = source.splitlines()
    begin = definition.body[0].end_lineno or 0  # behind the docstring; comments are kept
    kept: list[str] = []
    for statement in definition.body[1:]:
        end = statement.end_lineno or 0
        if not _is_check(statement):
            kept += lines[begin:end]
        begin = end
    return textwrap.dedent("\n".join(line for line in kept if line.strip()))


def _is_check(statement: ast.stmt) -> bool:
    """Tell a statement that refuses values from one that computes."""
    if isinstance(statement, ast.If | ast.For):
        return all(map(_is_check, statement.body)) and not statement.orelse
    return isinstance(statement, ast.Raise | ast.Assert)


def _functions(module: ModuleType) -> Iterator[FunctionType]:
    """Yield what the module defines for others, in its order."""
    for name, value in vars(module).items():
        own = isinstance(value, FunctionType) and value.__module__ == module.__name__
        if own and not name.startswith("_") and "Formula:" in (value.__doc__ or ""):
            yield value


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"ablab.reference.{name}")


def main() -> None:
    """Write the page and its pictures."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for old in PICTURES.glob("*.svg"):
        old.unlink()
    for name in by_hand_pictures.DRAWINGS:
        (PICTURES / f"{name}.svg").write_text(by_hand_pictures.svg(name))
    PAGE.write_text(page())


if __name__ == "__main__":
    main()

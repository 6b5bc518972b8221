"""The Sphinx extension: numbers, claims, figures, freshness and the report.

A build reads each chapter through MyST-NB, which executes it or finds its run in a cache, and
leaves the executed notebook on disk. :class:`Runs` takes from it what the run recorded. When all
pages are read, and before any is written, everything is compared; a fault anywhere fails the
build, every time, because what failed is never saved as up to date.
"""

import logging
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import ENV_PICKLE_FILENAME, Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.environment.collectors import EnvironmentCollector
from sphinx.errors import ExtensionError

from definebyrun.book import builds, claims, execute, figures, needs, numbers, report
from definebyrun.book.cells import without_machinery
from definebyrun.book.faults import (
    Warnings,
    exercise_faults,
    html_faults,
    is_preview,
    leftovers,
    missing_pages,
)
from definebyrun.book.fences import read_cells
from definebyrun.book.hushed import hushed_faults
from definebyrun.book.links import link_faults
from definebyrun.book.runs import Page, Run, pages, read_run
from definebyrun.book.sources import link_source, source_link, source_pages

UNREAD = "definebyrun_unread"
FOUND: dict[Sphinx, list[str]] = {}  # the faults of the build that is going on
WATCHED: dict[Sphinx, Warnings] = {}
logger = logging.getLogger("sphinx.definebyrun")


class Runs(EnvironmentCollector):
    """Collects what the runs recorded, and checks all of it when every page is read."""

    def clear_doc(self, app: Sphinx, env: BuildEnvironment, docname: str) -> None:
        """Forget a page that is read anew or gone."""
        pages(env).pop(docname, None)

    def process_doc(self, app: Sphinx, doctree: nodes.document) -> None:
        """Take from one page what it recorded, quotes and shows."""
        page = app.env.docname
        faults, left_out = app.env.temp_data.get(UNREAD, ([], False))
        run, broken = (Run(), []) if left_out else _read(app, page)
        faults = faults + broken + run.faults
        run.sources |= {link["module"] for link in doctree.findall(source_link)}
        faults += claims.source_faults(run.code)
        faults += hushed_faults(run.code)
        in_sight = [without_machinery(source) for source in run.shown]
        faults += numbers.typed_in_code(in_sight, _recorded(run), _produced(run))
        faults += figures.figure_faults(doctree) + leftovers(doctree) + exercise_faults(doctree)
        for raw in doctree.findall(nodes.raw):
            faults += html_faults(raw.astext())
        for title in doctree.findall(nodes.title):
            if any(True for _found in title.findall(numbers.quoted)):
                faults.append(f"quotes a number in the heading {title.astext().strip()!r}")
        marks = list(doctree.findall(numbers.by_hand))
        for mark in marks:
            faults += numbers.check_by_hand(mark, run.facts)
        faults += numbers.hidden_in_steps(marks, run.facts)
        texts = numbers.prose(doctree, "\n".join(run.shown))
        is_chapter = any(True for _found in doctree.findall(report.chapter_line))
        if is_chapter and run.code and not run.claims:
            faults.append("claims nothing; say what its run shows, and claim it")
        if is_chapter:
            integers = {n for source in run.shown for n in numbers.numbers_in_code(source)}
            unfounded = numbers.unfounded_numbers(texts, integers)
        else:
            unfounded = []
        pages(app.env)[page] = Page(
            run=run,
            faults=faults + (unfounded or numbers.typed_numbers(texts, _produced(run))),
            quotes=[(q["page"], q["name"], q["form"]) for q in doctree.findall(numbers.quoted)],
            by_hand={name for mark in marks for name in mark["names"]},
            is_chapter=is_chapter,
            has_report=any(True for _found in doctree.findall(report.build_report)),
            texts=[] if is_chapter else texts,
            broken=left_out or bool(broken),
        )

    def get_updated_docs(self, app: Sphinx, env: BuildEnvironment) -> list[str]:
        """Check every page, and return those that show what has changed elsewhere."""
        kept = pages(env)
        faults = [f"{name} {fault}" for name, page in kept.items() for fault in page.faults]
        faults += builds.of(app).changed_meanwhile(app)
        faults += _typed_elsewhere(kept)
        if not is_preview(app):
            faults += _unquoted(kept) + missing_pages(env) + report.parts_without_needs(env)
            faults += needs.faults(env, report.chapters(env))
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
        FOUND[app] += faults
        return changed


def _typed_elsewhere(kept: dict[str, Page]) -> list[str]:
    """Name the results of a chapter's run that a page without a run of its own types."""
    produced = [value for page in kept.values() for value in _recorded(page.run)]
    return [
        f"{name} {fault}"
        for name, page in kept.items()
        for fault in numbers.typed_numbers(page.texts, produced)
    ]


def check_source(app: Sphinx, docname: str, content: list[str]) -> None:
    """Look at the source of a page before it is read; one that cannot be read is left out."""
    cells, faults = read_cells(content[0], app.config.myst_enable_extensions)
    left_out = bool(faults) and not cells and "{code-cell}" in content[0]
    app.env.temp_data[UNREAD] = faults, left_out
    if left_out:
        content[0] = f"# {docname}\n"


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


def _recorded(run: Run) -> list[float]:
    """Return every number that a run recorded or claimed."""
    values = [fact["value"] for fact in run.facts.values()]
    values += [value for claim in run.claims for value in claim["values"].values()]
    return [float(v) for v in values if isinstance(v, int | float) and not isinstance(v, bool)]


def _produced(run: Run) -> list[float]:
    """Return every number that a run recorded, claimed or printed."""
    return _recorded(run) + [n.value for text in run.printed for n in numbers.numbers(text)]


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
    return shown + needs.seen_by(env, name)


def _quote(env: BuildEnvironment, page: str, name: str, form: str) -> str:
    facts = pages(env)[page].run.facts if page in pages(env) else {}
    if pages(env)[page].broken if page in pages(env) else is_preview(env.app):
        return "\u2026"  # known when the whole book is built, or the other fault is mended
    if name not in facts:
        raise ValueError(f"quotes {name!r} of {page}, which records no such value")
    return numbers.write_number(facts[name]["value"], form)


def fill_in(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put the values of the run into a page that is about to be written."""
    env = app.env
    for node in list(doctree.findall(numbers.quoted)):
        try:
            words = _quote(env, node["page"], node["name"], node["form"])
        except ValueError:  # a fault that is named when the build ends
            words = "\u2049"
        node.replace_self(nodes.Text(words))
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
    device = execute.chosen_device()
    config["definebyrun_device"] = device
    config["definebyrun_commit"] = _commit(Path(app.srcdir))
    config["definebyrun_versions"] = {"Python": platform.python_version()} | {
        name: metadata.version(name) for name in ("torch", "torchvision", "numpy", "jupyter-book")
    }
    builds.of(app).start(app, config, device)


def _commit(folder: Path) -> str:
    """Return the commit of the checkout in short, or nothing where there is none."""
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=10"]
    command += ["--exclude=*"]  # the commit itself, however near a tag may be
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def watch(app: Sphinx) -> None:
    """Keep what Sphinx warns of from here on."""
    FOUND[app] = _settings(app.config)
    WATCHED[app] = Warnings(app)
    logging.getLogger("sphinx").addHandler(WATCHED[app])


def _settings(config: Config) -> list[str]:
    """Name the settings of the book that would let a failure through."""
    wrong = {
        "nb_execution_allow_errors": config.nb_execution_allow_errors,
        "nb_execution_excludepatterns": config.nb_execution_excludepatterns,
        "suppress_warnings": set(config.suppress_warnings) - {"myst.domains"},
        "execute_notebooks": config.nb_execution_mode in ("off", "auto"),
    }
    return [
        f"the book sets {name} in _config.yml, which hides failures; remove it"
        for name, value in wrong.items()
        if value
    ]


def finish(app: Sphinx, exception: Exception | None) -> None:
    """Write the files for programs beside the pages, or fail with every fault of the book.

    Raises:
        ExtensionError: a page has a fault; the message lists all of them.
    """
    warned = WATCHED.pop(app, None)
    if warned is None or app.builder.format != "html":
        return
    logging.getLogger("sphinx").removeHandler(warned)
    faults = FOUND.pop(app) + list(warned.found)
    folder = Path(app.outdir)
    if exception is not None:
        page = app.env.temp_data.get("docname") if app.env else None
        words = " ".join(f"{type(exception).__name__}: {exception}".split())[:300]
        faults.append(f"{page or 'the book'} cannot be built: {words}")
    else:
        report.write_files(app.env, folder)  # first: a page links to them
        faults += link_faults(folder, app.env.found_docs)
    if not faults:
        return
    for name in ("facts.json", "claims.json", "measures.json"):
        (folder / name).unlink(missing_ok=True)
    Path(app.doctreedir, ENV_PICKLE_FILENAME).unlink(missing_ok=True)  # all is read again
    message = "the book has faults:\n  " + "\n  ".join(sorted(set(faults)))
    if exception is not None:
        logger.error(message)  # the exception itself is on its way
        return
    raise ExtensionError(message)


def _nothing(translator: Any, node: nodes.Element) -> None:
    """Draw nothing, where a mark stands that no page may hold, as in a heading."""


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
    for node in (numbers.quoted, numbers.by_hand):
        app.add_node(node, html=(_nothing, _nothing), latex=(_nothing, _nothing))
    app.connect("config-inited", configure)
    builds.setup(app)
    app.setup_extension("definebyrun.book.needs")
    app.setup_extension("definebyrun.book.api")
    app.connect("builder-inited", watch, priority=1)
    app.connect("source-read", check_source, priority=900)
    app.connect("doctree-read", figures.add_dark_versions, priority=100)
    app.connect("doctree-resolved", fill_in)
    app.connect("html-collect-pages", source_pages)
    app.connect("build-finished", finish, priority=900)
    return {"parallel_read_safe": False, "parallel_write_safe": True}

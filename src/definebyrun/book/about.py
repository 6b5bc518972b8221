"""What each page says of itself: to search engines, to who cites it, and to who mends it.

The address of the site and of the repository are facts of the place where the book is built. Where
one is not known, what needs it is left out, and nothing leads to an address that is a guess.
"""

import os
import re
import subprocess
import textwrap
from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit
from xml.sax.saxutils import escape as escape_xml

import yaml
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.locale import get_translation

_ = get_translation("definebyrun")

SITE = "DEFINEBYRUN_SITE"  # the address that the pages will have, where it is not GitHub's own
GITHUB = re.compile(
    r"(?:https://github\.com/|(?:ssh://)?git@github\.com[:/])([\w.-]+/[\w.-]+?)(?:\.git)?/?"
)
VIEWPORT = re.compile(r'\s*<meta name="viewport"[^>]*>')  # the layout sets it once
CARD = "card.png"  # made by tools/pictures.py
BRANCH = "main"  # the branch that is published


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the parts to Sphinx."""
    app.add_config_value("definebyrun_repository", "", "html")
    app.add_config_value("definebyrun_published", "", "html")
    app.add_config_value("definebyrun_citation", {}, "html")
    app.connect("config-inited", configure)
    app.connect("html-collect-pages", lost_page)
    app.connect("html-page-context", describe)
    app.connect("build-finished", write_sitemap, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def configure(app: Sphinx, config: Config) -> None:
    """Find out where the book is published, and what is known of it for citing."""
    folder = Path(app.srcdir)
    repository = repository_url(folder, os.environ)
    config["definebyrun_repository"] = repository
    config["definebyrun_published"] = published_commit(folder, os.environ) if repository else ""
    config["definebyrun_citation"] = read_citation(folder)
    config.html_theme_options["repository_url"] = repository  # else it is Jupyter Book's own
    site = site_address(os.environ) or config.html_baseurl or ""
    config["html_baseurl"] = f"{site.rstrip('/')}/" if site else ""


def _git(folder: Path, *words: str) -> str:
    command = ["git", "-C", str(folder), *words]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def repository_url(folder: Path, environment: Mapping[str, str]) -> str:
    """Return the address of the checkout's repository on GitHub, or nothing.

    Args:
        folder: a folder of the checkout.
        environment: the variables in which GitHub's runners name their repository.
    """
    if environment.get("GITHUB_SERVER_URL") and environment.get("GITHUB_REPOSITORY"):
        return f"{environment['GITHUB_SERVER_URL']}/{environment['GITHUB_REPOSITORY']}"
    match = GITHUB.fullmatch(_git(folder, "remote", "get-url", "origin"))
    return f"https://github.com/{match[1]}" if match else ""


def published_commit(folder: Path, environment: Mapping[str, str]) -> str:
    """Return the commit of the checkout if its repository has it as it is here, or nothing."""
    if _git(folder, "status", "--porcelain", "--untracked-files=no"):
        return ""
    on_github = bool(environment.get("GITHUB_REPOSITORY"))
    if on_github or _git(folder, "branch", "--remotes", "--contains", "HEAD"):
        return _git(folder, "rev-parse", "HEAD")
    return ""


def site_address(environment: Mapping[str, str]) -> str:
    """Return the address that the pages will have, or nothing.

    It is what the variable ``DEFINEBYRUN_SITE`` says; else, on GitHub's runners, the address that
    GitHub Pages gives to the repository.
    """
    if environment.get(SITE):
        return environment[SITE]
    owner, _slash, name = environment.get("GITHUB_REPOSITORY", "").partition("/")
    if not name or environment.get("GITHUB_SERVER_URL") != "https://github.com":
        return ""
    host = f"{owner.lower()}.github.io"
    return f"https://{host}/" if name.lower() == host else f"https://{host}/{name}/"


def read_citation(folder: Path) -> dict[str, str]:
    """Return the authors, title and version that ``CITATION.cff`` gives; nothing without one."""
    path = folder / "CITATION.cff"
    if not path.exists():
        return {}
    data = yaml.safe_load(path.read_text("utf8"))
    names = [_name(author) for author in data["authors"]]
    return {
        "authors": " and ".join(names),
        "title": str(data["title"]),
        "version": str(data["version"]),
        "doi": str(data.get("doi", "")),
    }


def _name(author: Mapping[str, str]) -> str:
    """Return the name of a person or of a group, as CITATION.cff has it."""
    parts = [author.get("given-names"), author.get("family-names")]
    return author.get("name") or " ".join(filter(None, parts))


def describe(
    app: Sphinx, pagename: str, template: str, context: dict[str, Any], page: nodes.document | None
) -> None:
    """Give a page its description, its place in the world, and its foot."""
    config = app.config
    for name in ("versions", "device", "commit"):
        context[f"built_with_{name}"] = getattr(config, f"definebyrun_{name}", "")
    says = context.get("says") or _first_words(page) or config.html_title
    says = textwrap.shorten(says, 160, placeholder=" …")
    title = re.sub("<[^>]*>", "", context.get("title") or config.html_title)
    address = context.get("pageurl") or ""
    graph = {"title": title, "description": says, "type": "article", "url": address}
    graph |= {"site_name": config.html_title, "locale": str(config.language)}
    if pagename == config.root_doc:
        graph["type"] = "website"
    if config.html_baseurl:
        graph["image"] = f"{config.html_baseurl}_static/{CARD}"
    head = VIEWPORT.sub("", context.get("metatags") or "")
    if 'name="description"' not in head:
        head += f'<meta name="description" content="{escape(says)}" />'
    for name, value in graph.items():
        if value:
            head += f'\n    <meta property="og:{name}" content="{escape(value)}" />'
    context["metatags"] = head
    if page is not None and pagename in app.env.found_docs:
        path = Path(app.env.doc2path(pagename, base=False)).as_posix()
        context["links_to_source"] = source_links(config, path, title)
        context["citations"] = citations(config, pagename, title, address)


def _first_words(page: nodes.document | None) -> str:
    """Return the first paragraph of a page that stands in no box."""
    paragraphs = page.findall(nodes.paragraph) if page else []
    return next((p.astext() for p in paragraphs if isinstance(p.parent, nodes.section)), "")


def source_links(config: Config, path: str, title: str) -> list[tuple[str, str]]:
    """Return what a reader can do with the source of a page in its repository: words, address.

    Args:
        config: of the book.
        path: the file of the page in the repository.
        title: of the page.
    """
    repository = config.definebyrun_repository
    if not repository:
        return []
    made = f"{config.definebyrun_commit}, {config.definebyrun_device}"
    made += "".join(f", {name} {version}" for name, version in config.definebyrun_versions.items())
    asked = _("What is wrong, and where on the page?")
    body = f"{asked}\n\n\n{_('Page')}: {path}\n{_('Built from')}: {made}\n"
    report = urlencode({"title": f"{title}: ", "body": body}, quote_via=quote)
    version = config.definebyrun_published or BRANCH
    return [
        (_("View the source"), f"{repository}/blob/{version}/{quote(path)}?plain=1"),
        (_("Suggest an edit"), f"{repository}/edit/{BRANCH}/{quote(path)}"),
        (_("Report a problem on this page"), f"{repository}/issues/new?{report}"),
    ]


def citations(config: Config, page: str, title: str, address: str) -> dict[str, str]:
    """Return how to cite a page, as a sentence and for BibTeX; nothing without CITATION.cff.

    Args:
        config: of the book.
        page: the name of the page.
        title: of the page.
        address: of the page, where it is known.
    """
    book = config.definebyrun_citation
    if not book:
        return {}
    year = re.search(r"\d{4}", str(config.copyright))
    commit = config.definebyrun_commit
    edition = _("version %s") % book["version"] + (f", {_('commit')} {commit}" if commit else "")
    where = f"https://doi.org/{book['doi']}" if book["doi"] else address
    stands_in = "" if page == config.root_doc else f"\u201c{title}.\u201d {_('In')} "
    sentence = f"{book['authors']} ({year[0] if year else ''}). {stands_in}{book['title']}, "
    sentence += f"{edition}.{f' {where}' if where else ''}"
    fields = {
        "author": f"{{{book['authors']}}}" if " and " not in book["authors"] else book["authors"],
        "title": title if stands_in else book["title"],
        "booktitle": book["title"] if stands_in else "",
        "year": year[0] if year else "",
        "note": edition,
        "url": where,
    }
    kind = "incollection" if stands_in else "book"
    key = f"definebyrun-{page.rpartition('/')[2]}"
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items() if value]
    return {"sentence": sentence, "bibtex": "\n".join([f"@{kind}{{{key},", *lines, "}"])}


def lost_page(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Make the page that a server shows for an address that is not there.

    It may be shown at any depth, so its links begin at the root of the site.
    """
    base = urlsplit(app.config.html_baseurl or "").path or "/"
    pages = [(base, app.config.html_title)]
    for name in (app.config.root_doc, *app.env.toctree_includes.get(app.config.root_doc, [])):
        if name in app.env.titles and name != app.config.root_doc:
            pages.append((f"{base}{name}.html", app.env.titles[name].astext()))
    yield "404", {"contents": pages, "icon": f"{base}_static/mark.svg"}, "lost.html"


def write_sitemap(app: Sphinx, exception: Exception | None) -> None:
    """Write the list of pages for search engines, where the address of the site is known."""
    path = Path(app.outdir, "sitemap.xml")
    site = app.config.html_baseurl
    if exception is not None or app.builder.format != "html":
        return
    if not site:
        path.unlink(missing_ok=True)
        return
    addresses = [f"{site}{quote(name)}.html" for name in sorted(app.env.found_docs)]
    lines = [f"  <url><loc>{escape_xml(address)}</loc></url>" for address in addresses]
    start = '<?xml version="1.0" encoding="utf-8"?>\n'
    start += '<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
    path.write_text(start + "\n".join(lines) + "\n</urlset>\n", "utf8")

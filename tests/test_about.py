"""What a page says of itself: addresses are facts or are left out, and citing needs no guess."""

import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from definebyrun.book.about import (
    citations,
    published_commit,
    read_citation,
    repository_url,
    site_address,
    source_links,
)

ROOT = Path(__file__).parent.parent
BOOK = {"authors": "Define by Run contributors", "title": "A book", "version": "1.2", "doi": ""}


def config(**known: Any) -> Any:
    """The settings of a book of which nothing is known but what is given."""
    settings = {
        "definebyrun_repository": "",
        "definebyrun_published": "",
        "definebyrun_citation": BOOK,
        "definebyrun_commit": "0123456789",
        "definebyrun_device": "cpu",
        "definebyrun_versions": {"torch": "9.9"},
        "copyright": "2026",
        "root_doc": "book/index",
    }
    return SimpleNamespace(**settings | known)


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", "-C", str(folder), *who, *words], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, ""),
        ({"GITHUB_REPOSITORY": "Someone/book"}, ""),
        (
            {"GITHUB_REPOSITORY": "Someone/book", "GITHUB_SERVER_URL": "https://github.com"},
            "https://someone.github.io/book/",
        ),
        (
            {"GITHUB_REPOSITORY": "a/a.github.io", "GITHUB_SERVER_URL": "https://github.com"},
            "https://a.github.io/",
        ),
        ({"GITHUB_REPOSITORY": "a/b", "GITHUB_SERVER_URL": "https://git.example.org"}, ""),
        ({"DEFINEBYRUN_SITE": "https://example.org/b"}, "https://example.org/b"),
    ],
)
def test_the_address_of_the_site_is_known_or_left_out(
    variables: dict[str, str], expected: str
) -> None:
    """A fork gets its own address with no setting; a local build claims none."""
    assert site_address(variables) == expected


def test_a_commit_counts_as_published_only_if_the_repository_has_it(tmp_path: Path) -> None:
    """A link to the repository never leads to code that is not there."""
    there, here = tmp_path / "there", tmp_path / "here"
    git(tmp_path, "init", "-q", "--bare", str(there))
    git(tmp_path, "clone", "-q", str(there), str(here))
    (here / "file").write_text("one")
    git(here, "add", "file")
    git(here, "commit", "-qm", "one")
    assert published_commit(here, {}) == ""
    git(here, "push", "-q", "origin", "HEAD")
    assert len(published_commit(here, {})) == 40
    (here / "file").write_text("two")
    assert published_commit(here, {"GITHUB_REPOSITORY": "a/b"}) == ""
    git(here, "commit", "-qam", "two")
    assert published_commit(here, {}) == ""
    assert len(published_commit(here, {"GITHUB_REPOSITORY": "a/b"})) == 40


def test_without_a_repository_nothing_leads_to_one(tmp_path: Path) -> None:
    assert repository_url(tmp_path, {}) == ""
    assert source_links(config(), "book/a.md", "A") == []


def test_a_reader_can_view_edit_and_report_where_there_is_a_repository() -> None:
    """The report carries the page, the commit, the device and the versions."""
    known = config(definebyrun_repository="https://github.com/a/b", definebyrun_published="f" * 40)
    addresses = [address for _words, address in source_links(known, "book/a.md", "A & B")]
    view, edit, report = addresses
    assert view == f"https://github.com/a/b/blob/{'f' * 40}/book/a.md?plain=1"
    assert edit == "https://github.com/a/b/edit/main/book/a.md"
    assert report.startswith("https://github.com/a/b/issues/new?title=A%20%26%20B")
    for said in ("book/a.md", "0123456789", "cpu", "torch%209.9"):
        assert said.replace("/", "%2F") in report or said in report


def test_a_page_can_be_cited_with_and_without_an_address() -> None:
    """Version and commit are in both forms; an address only where there is one."""
    alone = citations(config(), "book/autodiff", "Slopes", "")
    assert alone["sentence"] == (
        "Define by Run contributors (2026). \u201cSlopes.\u201d In A book, version 1.2, "
        "commit 0123456789."
    )
    assert alone["bibtex"].startswith("@incollection{definebyrun-autodiff,\n")
    assert "url" not in alone["bibtex"]
    named = citations(config(), "book/autodiff", "Slopes", "https://example.org/s.html")
    assert named["sentence"].endswith(" https://example.org/s.html")
    assert "url = {https://example.org/s.html}" in named["bibtex"]
    assert citations(config(), "book/index", "A book", "")["bibtex"].startswith("@book{")
    assert citations(config(definebyrun_citation={}), "book/a", "A", "") == {}


def test_the_citation_file_of_the_book_is_read() -> None:
    book = read_citation(ROOT)
    assert book["authors"]
    assert book["title"].startswith("Define by Run")
    assert book["version"]
    assert read_citation(ROOT / "tests") == {}

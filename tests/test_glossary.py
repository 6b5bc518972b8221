"""The glossary sends its reader to sections that speak of the word."""

import re
from pathlib import Path

import pytest

BOOK = Path(__file__).parent.parent / "book"
BODY = re.search(r"```\{glossary\}\n(.*?)```", (BOOK / "glossary.md").read_text("utf8"), re.DOTALL)
assert BODY
ENTRIES = [entry.splitlines() for entry in BODY[1].strip().split("\n\n")]
TERMS = [[line for line in entry if line[0] != " "] for entry in ENTRIES]
TEXTS = [" ".join(line.strip() for line in entry if line[0] == " ") for entry in ENTRIES]

HEADING = r"(?:(?<=\n\n)|(?<=\)=\n))#{1,2} (?!#)"  # a comment of the code follows other lines


def section(label: str) -> str:
    """Return the section, or for a chapter's label the page, that a label stands before."""
    for page in BOOK.glob("*.md"):
        found = re.search(
            rf"^\({re.escape(label)}\)=\n(?:\([\w-]+\)=\n)*(#+) .*?(?={HEADING}|\Z)",
            page.read_text("utf8"),
            re.MULTILINE | re.DOTALL,
        )
        if found:
            return page.read_text("utf8") if found[1] == "#" else found[0]
    raise AssertionError(f"no section has the label {label}")


def words(text: str) -> str:
    return re.sub(r"[^\w]+", "", text).lower().replace("z", "s")


@pytest.mark.parametrize("place", range(len(TERMS)), ids=[terms[0] for terms in TERMS])
def test_the_section_speaks_of_the_word(place: int) -> None:
    """One of the word's forms, or of its plurals, stands in one of the sections it links to."""
    labels = re.findall(r"\{ref\}`([\w-]+)`", TEXTS[place])
    assert labels, "no link to where it is taught"
    taught = words(" ".join(section(label) for label in labels))
    assert any(words(term) in taught for term in TERMS[place])


def test_a_meaning_is_one_sentence_and_no_word_stands_twice() -> None:
    every = [term for terms in TERMS for term in terms]
    assert len(every) == len(set(every))
    firsts = [terms[0].lower() for terms in TERMS]
    assert firsts == sorted(firsts)
    for text in TEXTS:
        assert text.endswith("`.")
        said = text.partition(" {ref}")[0]
        assert said.endswith(":")
        assert not re.search(r"[.?!] ", said), said

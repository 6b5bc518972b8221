"""The style sheets of the site, less the rules that no page has a use for.

The stock theme styles every part that Bootstrap and an icon font offer: 500 KB, of which a page
needs a fifth. When the pages are written, a rule stays if each class and id that it names occurs in
one of them or in a script. From what is left come the dark colours for readers without scripts.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

PIECE = re.compile(
    r"""/\*.*?\*/|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|url\([^"')]*\)|[{};]""", re.DOTALL
)
GROUPS = ("@media", "@supports", "@layer", "@container")
NAMED = re.compile(r"(?:class|id)=\"([^\"]*)\"")
WORD = re.compile(r"[\w-]+")
SELECTED = re.compile(r"[.#]((?:[\w-]|\\.)+)")
INSIDE = re.compile(r":(?:not|is|where|has)\([^()]*(?:\([^()]*\)[^()]*)*\)")
DARK = re.compile(r"""\[data-theme=["']?dark["']?\]""")
SHEET = re.compile(r"""<link (?=[^>]*rel="stylesheet")[^>]*href="([^"?#:]+\.css)""")
SCRIPT = re.compile(r"""<script [^>]*src="([^"?#:]+\.js)""")
ICON_FONT = "Font Awesome"


@dataclass
class Rule:
    """A rule of a style sheet: a statement, a block of declarations, or a group of rules."""

    head: str
    body: "str | list[Rule] | None" = None

    def __str__(self) -> str:
        """Write the rule as it stands in a style sheet."""
        if self.body is None:
            return f"{self.head};"
        inside = self.body if isinstance(self.body, str) else "".join(map(str, self.body))
        return f"{self.head}{{{inside}}}"


def read_rules(css: str) -> list[Rule]:
    """Take a style sheet apart; comments are dropped."""
    return list(_rules(_pieces(css)))


def _pieces(css: str) -> Iterator[tuple[str, str]]:
    """Yield each sign that opens, closes or ends something, with the text before it."""
    text, end = "", 0
    for found in PIECE.finditer(css):
        text += css[end : found.start()]
        end = found.end()
        if found[0] in "{};":
            yield found[0], text.strip()
            text = ""
        elif not found[0].startswith("/*"):
            text += found[0]


def _rules(pieces: Iterator[tuple[str, str]]) -> Iterator[Rule]:
    for sign, text in pieces:
        if sign == "}":
            return
        if sign == ";":
            yield Rule(text)
        elif text.startswith(GROUPS):
            yield Rule(text, list(_rules(pieces)))
        else:
            yield Rule(text, _block(pieces))


def _block(pieces: Iterator[tuple[str, str]]) -> str:
    """Return what stands up to the brace that closes the block, blocks inside included."""
    words, depth = "", 0
    for sign, text in pieces:
        words += text
        if sign == "}" and not depth:
            break
        words += sign
        depth += (sign == "{") - (sign == "}")
    return words


def names_in(html: str) -> set[str]:
    """Return the classes and ids of a page."""
    return {name for found in NAMED.findall(html) for name in found.split()}


def used(rules: Iterable[Rule], names: set[str]) -> list[Rule]:
    """Keep the rules that may select something.

    Args:
        rules: of a style sheet.
        names: every class and id that a page or a script may have.
    """
    kept = []
    for rule in rules:
        if isinstance(rule.body, list):
            inside = used(rule.body, names)
            if inside:
                kept.append(Rule(rule.head, inside))
        elif rule.head.startswith("@font-face"):
            if ICON_FONT not in (rule.body or ""):
                kept.append(rule)
        elif rule.body is None or rule.head.startswith("@"):
            kept.append(rule)
        else:
            selectors = [s for s in split_selectors(rule.head) if _may_select(s, names)]
            if selectors and rule.body:
                kept.append(Rule(",".join(selectors), rule.body))
    return kept


def split_selectors(head: str) -> list[str]:
    """Split a list of selectors at the commas that are not inside parentheses."""
    parts, depth = [""], 0
    for letter in head:
        depth += (letter in "([") - (letter in ")]")
        if letter == "," and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]


def _may_select(selector: str, names: set[str]) -> bool:
    plain = INSIDE.sub("", selector)
    return all(name.replace("\\", "") in names for name in SELECTED.findall(plain))


def dark_rules(rules: Iterable[Rule]) -> list[Rule]:
    """Return the rules of dark pages as rules of any page."""
    found = []
    for rule in rules:
        if isinstance(rule.body, list):
            inside = dark_rules(rule.body)
            found += [Rule(rule.head, inside)] if inside else []
        elif rule.body and DARK.search(rule.head):
            selectors = [s for s in split_selectors(rule.head) if DARK.search(s)]
            found.append(Rule(DARK.sub("[data-theme]", ",".join(selectors)), rule.body))
    return found


def slim_down(site: Path, without_script: str) -> None:
    """Rewrite the style sheets of a site that was just written.

    Args:
        site: the folder of the site; its sheets are those of the theme and ours, as they came.
        without_script: the name of our sheet for readers without scripts, in ``_static``.
    """
    site = site.resolve()
    names: set[str] = set()
    for page in site.rglob("*.html"):
        names |= names_in(page.read_text("utf8"))
    for script in _linked(site, SCRIPT):
        names |= set(WORD.findall(script.read_text("utf8")))
    dark: list[Rule] = []
    special = site / "_static" / without_script
    linked = _linked(site, SHEET)
    for path in linked:
        if path == special:
            continue
        rules = used(read_rules(path.read_text("utf8")), names)
        dark += dark_rules(rules)
        path.write_text("".join(map(str, rules)) + "\n", "utf8")
    if special in linked:
        ours = used(read_rules(special.read_text("utf8")), names)
        dark = [Rule("@media screen and (prefers-color-scheme: dark)", dark)]
        special.write_text("".join(map(str, dark + ours)) + "\n", "utf8")


def _linked(site: Path, pattern: re.Pattern[str]) -> list[Path]:
    """Return what pages load by such a tag, in the order in which it is loaded."""
    files: dict[Path, None] = {}
    for page in sorted(site.rglob("*.html")):
        for address in pattern.findall(page.read_text("utf8")):
            files[(page.parent / address).resolve()] = None
    return [path for path in files if path.is_file()]

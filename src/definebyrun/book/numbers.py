"""Numbers in prose: quoted from the run, worked by hand and compared, never typed."""

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from docutils import nodes
from sphinx.util.docutils import SphinxRole

from definebyrun.book import claims

SPACE = r"(?:\s|~|\\[,;:! ])"
GAP = r"(?:,|\{,\}|\\,|[\u2009\u202f\u00a0])"  # what sets off thousands
NUMBER = re.compile(
    r"(?:(?<![\w)\]}.])[-\u2212]|(?<![\w.]))"  # a minus that is no subtraction, or none
    rf"(?P<digits>\d{{1,3}}(?:{GAP}\d{{3}})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?)"
    rf"(?:[eE](?P<e>[-+]?\d+)|{SPACE}*(?:\\times|\\cdot|\u00d7){SPACE}*10"
    r"(?:\^\{?(?P<power>-?\d+)\}?|(?P<raised>[\u207b\u00b2\u00b3\u00b9\u2070-\u2079]+)))?"
    rf"(?!\d|\.\d)(?P<percent>{SPACE}*(?:\\?%|per ?cent\b))?"
)
DIGITS = "-0123456789"
SMALL = "\u207b\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079"
RAISED, LOWERED = str.maketrans(DIGITS, SMALL), str.maketrans(SMALL, DIGITS)
YEARS = range(1600, 2101)
SKETCHES = {"text", "none", "console", "default"}  # blocks of prose, not of code
FORMULAS = (nodes.math, nodes.math_block)
MARKUP = re.compile(r"<[^>]*>")


class Number(NamedTuple):
    """A number in a text."""

    typed: str
    value: float
    half_unit: float  # half a unit of the last place
    percent: bool
    start: int
    unit: str  # letters that stick to it

    @property
    def digits(self) -> int:
        """How many digits it vouches for: 0.0250 has three, 300 one."""
        return significant_digits(self.typed)

    @property
    def is_year(self) -> bool:
        """Whether it stands bare as four digits, as a year does."""
        return bool(re.fullmatch(r"\d{4}", self.typed)) and self.value in YEARS and not self.unit


class quoted(nodes.Inline, nodes.Element):
    """A number that the page takes from a run, when it is written."""


class by_hand(nodes.Inline, nodes.Element):
    """The mark of a number worked by hand, which the build compares with the run."""


class QuoteRole(SphinxRole):
    """``{quote}`name:.3f```, or ``{quote}`page::name:.3f``` for a value of another page."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Leave a node that is filled in when the page is written."""
        page, _, rest = self.text.rpartition("::")
        name, _, form = rest.partition(":")
        home = self.env.docname.rpartition("/")[0]
        page = f"{home}/{page}".lstrip("/") if page else self.env.docname
        return [quoted(self.rawtext, page=page, name=name.strip(), form=form)], []


class ByHandRole(SphinxRole):
    """``{by-hand}`name```, directly after a number or formula that was worked by hand."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Leave a node that says which recorded values the numbers before it must equal."""
        names = [name.strip() for name in self.text.split(",")]
        return [by_hand(self.rawtext, names=names)], []


class GivenRole(SphinxRole):
    """``{given}`80,000```: a number from a source or a definition, which no run produces.

    Between dollars it is a formula: ``{given}`$2^{-23} = 1.19 \\times 10^{-7}$```.
    """

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Show the number as it is typed, and exempt it from the search for typed results."""
        formula = re.fullmatch(r"\$(.+)\$", self.text)
        shown = nodes.math(formula[1], formula[1]) if formula else nodes.Text(self.text)
        return [nodes.inline(self.rawtext, "", shown, classes=["given"])], []


def write_number(value: Any, form: str) -> str:
    """Write a recorded value as the prose asks, with a true minus sign and powers of ten.

    Raises:
        ValueError: the format does not fit the value.
    """
    if not form and isinstance(value, float):
        form = ".6g"
    try:
        text = format(value, form)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{value!r} cannot be written as {form!r}") from error
    if not isinstance(value, int | float):
        return text
    digits, _, power = text.partition("e")
    if power:
        digits += f"\u00a0\u00d7\u00a010{str(int(power)).translate(RAISED)}"
    return digits.replace("-", "\u2212")


def numbers(text: str) -> Iterator[Number]:
    """Find the numbers in a text, in every notation that the book may use."""
    for match in NUMBER.finditer(text):
        unit = re.match(r"[^\W\d_]*", text[match.end() :])[0]  # type: ignore[index]
        named = re.search(r"[^\W\d_]{2}-$", text[: match.start("digits")])  # as in ResNet-152
        if re.match(r"[^\W\d_]*[\d_]", text[match.end() :]) or (named and "." not in match[0]):
            continue  # part of a name such as 2d8 or 10x10
        digits = re.sub(GAP, "", match["digits"])
        power = match["e"] or match["power"] or (match["raised"] or "0").translate(LOWERED)
        scale = 10.0 ** int(power)
        sign = -1 if match[0][0] in "-\u2212" else 1
        places = len(digits.partition(".")[2])
        typed = match[0][: match.start("percent") - match.start()] if match["percent"] else match[0]
        yield Number(
            typed,
            sign * float(digits) * scale,
            0.5 * 10.0**-places * scale,
            bool(match["percent"]),
            match.start(),
            "" if match["percent"] else unit,
        )


def significant_digits(typed: str) -> int:
    """Count the digits that a typed number vouches for: 0.0250 has three, 300 one."""
    mantissa = re.split(r"[eE\u00d7]|\\times|\\cdot", re.sub(GAP, "", typed))[0]
    digits = re.sub(r"[^\d.]", "", mantissa)
    if "." not in digits:
        digits = digits.rstrip("0")
    return len(digits.replace(".", "").lstrip("0"))


def equals_as_printed(value: float, typed: float, half_unit: float) -> bool:
    """Tell whether a value, rounded to the precision that was typed, is the typed number."""
    return abs(value - typed) <= half_unit * (1 + 1e-9)


def is_produced(number: Number, produced: Iterable[float]) -> bool:
    """Tell whether a run produced a number, whatever its sign, as a share or in percent."""
    value, half = number.value, number.half_unit
    # a typed "minus" may be a dash, and 70.7 % is a typed 0.707
    candidates = [(value, half), (-value, half)]
    if number.percent:
        candidates.append((value / 100, half / 100))
    return any(equals_as_printed(p, v, h) for v, h in candidates for p in produced)


def typed_numbers(texts: list[str], produced: list[float]) -> list[str]:
    """Find numbers of three digits or more in the prose that a run produced."""
    return [
        f"types {number.typed.strip()}, which the run produced, in {_around(text, number)!r}; "
        "quote it, or mark it by hand"
        for text in texts
        for number in numbers(text)
        if number.digits >= 3 and is_produced(number, produced)
    ]


def unfounded_numbers(texts: list[str], in_code: set[float]) -> list[str]:
    """Find numbers of three digits or more in the prose that nothing vouches for.

    Args:
        texts: what the author typed and did not mark.
        in_code: the integers that stand in the code that the page shows.
    """
    return [
        f"types {number.typed.strip()} in {_around(text, number)!r}; quote it from the run, mark "
        "it by hand, or mark it as {given}"
        for text in texts
        for number in numbers(text)
        if number.digits >= 3
        and not number.is_year
        and (number.value not in in_code or number.percent)
    ]


def numbers_in_code(source: str) -> set[float]:
    """Return the integers that stand literally in a piece of code."""
    trees = claims.parse(source)
    constants = [n.value for tree in trees for n in ast.walk(tree) if isinstance(n, ast.Constant)]
    return {float(v) for v in constants if isinstance(v, int) and abs(v) < 2**53}


def typed_in_code(shown: list[str], recorded: list[float], produced: list[float]) -> list[str]:
    """Find numbers of three digits or more that a run gave, in words of the code that is shown.

    What stands as a number anywhere in that code is a setting, which its words may repeat.

    Args:
        shown: the code that the page shows, cell by cell.
        recorded: what the run recorded or claimed, for strings: they may be what it printed.
        produced: what it recorded, claimed or printed, for comments.
    """
    settings = {abs(n) for source in shown for n in _constants(source)}
    return [
        f"types {number.typed.strip()}, which the run produced, in words of its code, "
        f"{_around(text, number)!r}; compute it"
        for source in shown
        for texts, known in ((_comments(source), produced), (_strings(source), recorded))
        for text in texts
        for number in numbers(text)
        if number.digits >= 3
        and not number.is_year
        and not is_produced(number, settings)
        and is_produced(number, known)
    ]


def _constants(source: str) -> Iterator[float]:
    """Yield the numbers that stand literally in a piece of code."""
    for tree in claims.parse(source):
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
                yield float(node.value)


def _comments(source: str) -> list[str]:
    plain = re.sub(r"^([ \t]*)[%!].*$", r"\1pass", source, flags=re.MULTILINE)
    try:
        found = list(tokenize.generate_tokens(io.StringIO(plain).readline))
    except (tokenize.TokenError, SyntaxError):
        return []
    return [token.string for token in found if token.type == tokenize.COMMENT]


def _strings(source: str) -> list[str]:
    """Return the strings of a piece of code, less how numbers are to be written."""
    every = [node for tree in claims.parse(source) for node in ast.walk(tree)]
    formats = [n.format_spec for n in every if isinstance(n, ast.FormattedValue)]
    skipped = {id(part) for form in formats if form is not None for part in ast.walk(form)}
    return [
        node.value
        for node in every
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in skipped
    ]


def _around(text: str, number: Number) -> str:
    """Return the words around a number, on one line."""
    start = max(0, number.start - 30)
    return " ".join(text[start : number.start + len(number.typed) + 30].split())


def check_by_hand(mark: by_hand, facts: dict[str, dict[str, Any]]) -> list[str]:
    """Compare the numbers before a mark with the run, in the order of the names."""
    before = _before(mark)
    worked = list(numbers(before.astext())) if before is not None else []
    names = mark["names"]
    if len(worked) < len(names):
        return [f"marks {', '.join(names)} as worked by hand, but no number stands before the mark"]
    faults = []
    for name, number in zip(names, worked[-len(names) :], strict=True):
        typed, value, half_unit = number[:3]
        if name not in facts:
            faults.append(f"marks {typed} as {name!r} worked by hand, which the run did not record")
        elif not equals_as_printed(float(facts[name]["value"]), value, half_unit):
            faults.append(
                f"gives {typed} for {name!r}, worked by hand; the run gave {facts[name]['value']}"
            )
    return faults


def hidden_in_steps(marks: list[by_hand], facts: dict[str, dict[str, Any]]) -> list[str]:
    """Find results of the run among the steps that are worked by hand and not compared.

    A step may be any number, also a result that a mark of the page compares elsewhere; a recorded
    value that none of them names would be typed. What varies from run to run is met by chance.
    """
    named = {name for mark in marks for name in mark["names"]}
    values = {n: f["value"] for n, f in facts.items() if n not in named and not f["varies"]}
    values = {n: float(v) for n, v in values.items() if isinstance(v, int | float)}
    found = []
    for mark in marks:
        before = _before(mark)
        worked = list(numbers(before.astext())) if isinstance(before, FORMULAS) else []
        for number in worked[: -len(mark["names"])]:
            found += [
                f"types {number.typed.strip()} among the steps worked by hand, which the run "
                f"recorded as {name!r}; name it in the mark, too"
                for name, value in values.items()
                if number.digits >= 3 and is_produced(number, [value])
            ]
    return found


def _before(mark: by_hand) -> nodes.Node | None:
    """Return what the mark speaks of: the formula or text before it."""
    siblings = mark.parent.children[: mark.parent.index(mark)]
    while siblings and isinstance(siblings[-1], nodes.Text) and not siblings[-1].strip():
        siblings.pop()
    if siblings:
        return siblings[-1]
    paragraph = mark.parent
    place = paragraph.parent.index(paragraph)
    return paragraph.parent.children[place - 1] if place else None


def prose(doctree: nodes.document, code: str = "") -> list[str]:
    """Return the texts that an author typed: not code, not outputs, not what is marked.

    Beside a number that is marked by hand, the other numbers of a text are not exempt; those of
    a formula are its steps.

    Args:
        doctree: the page.
        code: the code that the page shows; words of it in the prose are code, too.
    """
    texts = []
    marked = {id(_before(mark)): len(mark["names"]) for mark in doctree.findall(by_hand)}
    for node in doctree.findall(lambda n: isinstance(n, nodes.Text | nodes.image)):
        text = node.get("alt", "") if isinstance(node, nodes.image) else node.astext()
        around, inside = node, []
        while around.parent is not None:
            around = around.parent
            inside.append(around)
        if isinstance(inside[0], nodes.raw):
            text = MARKUP.sub(" ", text)
        if isinstance(inside[0], nodes.literal) and text in code:
            continue
        given = any("given" in outer.get("classes", []) for outer in inside)
        if given or any(id(outer) in marked for outer in inside) or _is_code(node, inside):
            continue
        if isinstance(inside[0], nodes.reference) and text.startswith(("http", "doi", "arxiv")):
            continue
        if id(node) in marked:  # of a plain text only the numbers compared are exempt
            last = list(numbers(text))[-marked[id(node)] :]
            text = text[: last[0].start] if last else text
        texts.append(text)
    return texts


def _is_code(node: nodes.Node, inside: list[nodes.Element]) -> bool:
    """Tell whether a text is code or output; captions and alternative texts of outputs are not."""
    if any(isinstance(outer, nodes.comment) for outer in inside):
        return True
    blocks = [outer for outer in inside if isinstance(outer, nodes.literal_block)]
    in_cell = any(
        outer.get("nb_element") == "cell_code" or "claim-behind" in outer.get("classes", [])
        for outer in inside
    )
    if blocks and (in_cell or blocks[0].get("language", "none") not in SKETCHES):
        return True
    in_source = any("source" in outer.get("classes", []) for outer in inside)
    in_caption = any(isinstance(outer, nodes.caption) for outer in inside)
    return (in_cell or in_source) and not in_caption and not isinstance(node, nodes.image)

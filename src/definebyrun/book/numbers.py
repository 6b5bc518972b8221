"""Numbers in prose: quoted from the run, worked by hand and compared, never typed."""

import re
from collections.abc import Iterator
from typing import Any

from docutils import nodes
from sphinx.util.docutils import SphinxRole

NUMBER = re.compile(
    r"(?:(?<![\w)\]}.])[-\u2212]|(?<![\w.]))"  # a minus that is no subtraction, or none
    r"(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)"
    r"(?:[eE](?P<e>[-+]?\d+)|\s*(?:\\times|\\cdot|\u00d7)\s*10\^\{?(?P<power>-?\d+)\}?)?"
    r"(?![\d\w]|\.\d)"
)
RAISED = str.maketrans(
    "-0123456789", "\u207b\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079"
)


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
    """``{given}`80,000```: a number from a source or a definition, which no run produces."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Show the number as it is typed, and exempt it from the search for typed results."""
        return [nodes.inline(self.rawtext, self.text, classes=["given"])], []


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


def numbers(text: str) -> Iterator[tuple[str, float, float]]:
    """Find the numbers in a text: as typed, the value, and half a unit of the last place."""
    for match in NUMBER.finditer(text):
        digits = match["digits"].replace(",", "")
        scale = 10.0 ** int(match["e"] or match["power"] or 0)
        sign = -1 if match[0][0] in "-\u2212" else 1
        places = len(digits.partition(".")[2])
        yield match[0], sign * float(digits) * scale, 0.5 * 10.0**-places * scale


def significant_digits(typed: str) -> int:
    """Count the digits that a typed number vouches for: 0.0250 has three, 300 one."""
    digits = re.split(r"[eE\\\u00d7]", typed)[0].replace(",", "").lstrip("-\u2212").strip()
    if "." not in digits:
        digits = digits.rstrip("0")
    return len(digits.replace(".", "").lstrip("0"))


def equals_as_printed(value: float, typed: float, half_unit: float) -> bool:
    """Tell whether a value, rounded to the precision that was typed, is the typed number."""
    return abs(value - typed) <= half_unit * (1 + 1e-9)


def typed_numbers(texts: list[str], produced: list[float]) -> list[str]:
    """Find numbers of three digits or more in the prose that a run of the page produced."""
    found = []
    for text in texts:
        for typed, value, half_unit in numbers(text):
            if significant_digits(typed) < 3:
                continue
            # a typed "minus" may be a dash, and 70.7 % is a typed 0.707
            candidates = [(value, half_unit), (-value, half_unit)]
            if re.match(r"\s*\\?%", text[text.index(typed) + len(typed) :]):
                candidates.append((value / 100, half_unit / 100))
            if any(equals_as_printed(p, v, h) for v, h in candidates for p in produced):
                found.append(
                    f"types {typed.strip()}, which the run produced, in {text.strip()[:60]!r}; "
                    "quote it, or mark it by hand"
                )
    return found


def check_by_hand(mark: by_hand, facts: dict[str, dict[str, Any]]) -> list[str]:
    """Compare the numbers before a mark with the run, in the order of the names."""
    before = _before(mark)
    worked = list(numbers(before.astext())) if before is not None else []
    names = mark["names"]
    if len(worked) < len(names):
        return [f"marks {', '.join(names)} as worked by hand, but no number stands before the mark"]
    faults = []
    for name, (typed, value, half_unit) in zip(names, worked[-len(names) :], strict=True):
        if name not in facts:
            faults.append(f"marks {typed} as {name!r} worked by hand, which the run did not record")
        elif not equals_as_printed(float(facts[name]["value"]), value, half_unit):
            faults.append(
                f"gives {typed} for {name!r}, worked by hand; the run gave {facts[name]['value']}"
            )
    return faults


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


def prose(doctree: nodes.document) -> list[str]:
    """Return the texts that an author typed: not code, not outputs, not what is marked by hand."""
    texts = []
    marked = {id(_before(mark)): len(mark["names"]) for mark in doctree.findall(by_hand)}
    for node in doctree.findall(lambda n: isinstance(n, nodes.Text | nodes.image)):
        text = node.get("alt", "") if isinstance(node, nodes.image) else node.astext()
        around, inside = node, []
        while around.parent is not None:
            around = around.parent
            inside.append(around)
        given = any("given" in outer.get("classes", []) for outer in inside)
        if given or any(id(outer) in marked for outer in inside) or _is_code(node, inside):
            continue
        if id(node) in marked:  # of a plain text only the numbers compared are exempt
            last = list(NUMBER.finditer(text))[-marked[id(node)] :]
            text = text[: last[0].start()] if last else text
        texts.append(text)
    return texts


def _is_code(node: nodes.Node, inside: list[nodes.Element]) -> bool:
    """Tell whether a text is code or output; captions and alternative texts of outputs are not."""
    if any(isinstance(outer, nodes.literal_block | nodes.comment | nodes.raw) for outer in inside):
        return True
    in_cell = any(
        outer.get("nb_element") == "cell_code" or "claim-behind" in outer.get("classes", [])
        for outer in inside
    )
    in_caption = any(isinstance(outer, nodes.caption) for outer in inside)
    return in_cell and not in_caption and not isinstance(node, nodes.image)

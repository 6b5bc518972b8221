"""How the records that a chapter displays are drawn in the page."""

from typing import Any

from docutils import nodes
from myst_nb.core.render import MimeData, NbElementRenderer
from sphinx.locale import get_translation

from definebyrun.book.cells import checking_code, claim, claim_sentence, recorded
from definebyrun.book.notebook import MIME
from definebyrun.book.numbers import write_number
from definebyrun.book.sources import draw_source

_ = get_translation("definebyrun")

RELATIONS = {"<=": "\u2264", ">=": "\u2265", "==": "=", "!=": "\u2260", "close to": "\u2248"}


class Outputs:
    """MyST-NB's plug-in for :data:`~definebyrun.book.notebook.MIME` (an entry point of ours).

    Source: https://myst-nb.readthedocs.io/en/latest/render/format_code_cells.html
    """

    mime_priority_overrides = (("*", MIME, 1),)

    @staticmethod
    def handle_mime(
        renderer: NbElementRenderer, data: MimeData, inline: bool
    ) -> list[nodes.Element] | None:
        """Draw one record; None leaves other outputs to MyST-NB."""
        if data.mime_type != MIME:
            return None
        record: dict[str, Any] = data.content  # type: ignore[assignment]
        source = renderer.renderer.document["source"]
        if record["kind"] == "claim":
            cell = renderer.renderer.nb_client.notebook.cells[data.cell_index]
            tags = cell.metadata.get("tags", [])
            code = checking_code(cell.source, record["claim"], tags)
            drawn = [draw_claim(record, code, sentence(renderer, record["claim"], data.line or 0))]
        elif record["kind"] == "source":
            drawn = [draw_source(record)]
        else:
            drawn = [recorded()]
        for node in (found for top in drawn for found in top.findall(nodes.Element)):
            node.source, node.line = source, data.line  # so that gettext finds the words
        return drawn


def sentence(renderer: NbElementRenderer, words: str, line: int) -> nodes.paragraph:
    """Read the sentence of a claim as text of the page: code and formulas are set as elsewhere."""
    read = claim_sentence(words, "")
    with renderer.renderer.current_node_context(read):
        renderer.renderer.nested_render_text(words, line, inline=True)
    return read


def draw_claim(record: dict[str, Any], code: str, words: nodes.paragraph) -> nodes.Element:
    """Draw a claim as a line of the text, with the figures and the code that checked it behind it.

    Args:
        record: what the run recorded.
        code: the code that checked it.
        words: the sentence, as text of the page.
    """
    behind = nodes.container(classes=["claim-behind"])
    shown = [(f"{name.replace('_', ' ')} = ", value) for name, value in record["values"]]
    lines = record.get("compared") or []
    shown = [("", compared(line, record["within"])) for line in lines] + shown
    if shown:
        figures = nodes.bullet_list(classes=["claim-figures"])
        for name, value in shown:
            line = nodes.paragraph("", name, translatable=False)
            line += nodes.inline("", figure_text(value), classes=["value"])
            figures += nodes.list_item("", line)
        behind += figures
    behind += nodes.literal_block(code, code, language="ipython3")
    if record["holds"]:
        return claim("", words, behind)
    box = nodes.container(classes=["claim-failed"])
    box += nodes.paragraph("", "", nodes.strong("", _("This does not hold:")), translatable=False)
    box += [words, behind]
    return box


def compared(chain: list[Any], within: float | None) -> str:
    """Write one comparison: ``0.12 < 0.5``."""
    words = [
        RELATIONS.get(part, str(part)) if place % 2 else figure_text(part)
        for place, part in enumerate(chain)
    ]
    words[-1] += f" (\u00b1 {figure_text(within)})" if within is not None else ""
    return " ".join(words)


def figure_text(value: Any) -> str:
    """Write a figure behind a claim: integers in full, others to four digits."""
    if isinstance(value, float):
        return write_number(value, ".4g")
    if isinstance(value, int) and not isinstance(value, bool):
        return write_number(value, ",")
    return str(value)

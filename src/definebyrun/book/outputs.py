"""How the records that a chapter displays are drawn in the page."""

from typing import Any

from docutils import nodes
from myst_nb.core.render import MimeData, NbElementRenderer
from sphinx.locale import get_translation

from definebyrun.book.notebook import MIME, format_figure
from definebyrun.book.sources import draw_source

_ = get_translation("definebyrun")


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
            drawn = [draw_claim(record)]
        elif record["kind"] == "source":
            drawn = [draw_source(record)]
        else:
            drawn = [nodes.comment("", "a recorded value")]
        for node in (found for top in drawn for found in top.findall(nodes.Element)):
            node.source, node.line = source, data.line  # so that gettext finds the words
        return drawn


def draw_claim(record: dict[str, Any]) -> nodes.Element:
    """Draw a claim as a quiet box: what was checked, and the figures behind it."""
    box = nodes.container(classes=["claim"] if record["holds"] else ["claim", "claim-failed"])
    label = _("Checked when this page was built:") if record["holds"] else _("This does not hold:")
    sentence = nodes.paragraph(record["claim"], "")
    sentence += [nodes.strong("", label), nodes.Text(" "), nodes.inline("", record["claim"])]
    box += sentence
    if record["values"]:
        figures = nodes.bullet_list(classes=["claim-figures"])
        for name, value in record["values"]:
            words = nodes.paragraph("", "", translatable=False)
            shown = nodes.literal("", format_figure(value))
            words += [nodes.Text(f"{name.replace('_', ' ')} = "), shown]
            figures += nodes.list_item("", words)
        box += figures
    return box

"""Look at the book's links to other sites; report what does not answer, and never fail for it.

Sphinx asks for each address once. The findings go to ``_build/links.md`` as a table
and, in a workflow, into its summary. Pages whose runs are kept are not executed again.
"""

import json
import os
import sys
from collections import Counter
from pathlib import Path

from build import ROOT, build

FOUND = ROOT / "_build" / "linkcheck" / "output.json"
REPORT = ROOT / "_build" / "links.md"
BROKEN = ("broken", "timeout")


def report(lines: list[str]) -> str:
    """Write what the link check found, one JSON record a line, as Markdown."""
    records = [json.loads(line) for line in lines if line.strip()]
    outside = [r for r in records if r["uri"].startswith(("http://", "https://"))]
    counts = Counter(record["status"] for record in outside)
    told = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    rows = [f"{len(outside)} links to other sites: {told or 'none'}."]
    broken = sorted(
        (r["uri"], r["filename"], r["lineno"], r["info"]) for r in outside if r["status"] in BROKEN
    )
    if broken:
        rows += ["", "| address | page | what it says |", "|---|---|---|"]
    for address, page, line, says in broken:
        words = " ".join(says.split()).replace("|", "/")[:120]
        rows.append(f"| {address} | {page}:{line} | {words} |")
    if broken and len(broken) == len(outside):
        rows += ["", "None answers: this machine may have no network."]
    return "\n".join(rows) + "\n"


def main() -> None:
    """Look, and report."""
    FOUND.unlink(missing_ok=True)
    build(["--builder", "linkcheck"], ROOT / "_build" / "links.log")
    if not FOUND.exists():
        sys.exit("The links could not be looked at: see _build/links.log")
    text = report(FOUND.read_text("utf8").splitlines())
    REPORT.write_text(text, "utf8")
    print(text)
    if os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(os.environ["GITHUB_STEP_SUMMARY"]).open("a", encoding="utf8") as summary:
            summary.write(text)


if __name__ == "__main__":
    main()

"""Compare the facts of several runs of the book: which numbers differ, and by how much.

    python3 tools/compare_facts.py cpu=_build/cpu/facts.json gpu=_build/gpu/facts.json

prints a Markdown table, the largest relative difference first, and leaves it in ``differences.md``.
Times and memory vary anyway and are left out. Nothing but Python's standard library is needed.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

Facts = dict[tuple[str, str], Any]


def read_facts(file: Path) -> Facts:
    """Return the values that a build wrote to ``facts.json``, by page and name."""
    records = json.loads(file.read_text("utf8"))
    return {(r["page"], r["name"]): r["value"] for r in records if not r["varies"]}


def differences(facts: dict[str, Facts]) -> list[tuple[float, str, str, list[Any]]]:
    """Return the facts that are not the same everywhere, the largest relative difference first.

    Args:
        facts: by setting, the values by page and name; of a page that failed there are none.

    Returns:
        The difference, the page, the name, and the value in each setting, None where there is
        none. The difference is the range over the largest size; infinite for words and gaps.
    """
    rows = []
    for page, name in sorted({key for found in facts.values() for key in found}):
        values = [found.get((page, name)) for found in facts.values()]
        if all(value == values[0] for value in values):
            continue
        numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
        largest = max((abs(v) for v in numbers), default=0.0)
        same_kind = len(numbers) == len(values) and largest > 0
        spread = (max(numbers) - min(numbers)) / largest if same_kind else float("inf")
        rows.append((spread, page, name, values))
    return sorted(rows, key=lambda row: (-row[0], row[1], row[2]))


def table(facts: dict[str, Facts]) -> str:
    """Write the differences as a Markdown table, and under it how many facts are the same."""
    rows = differences(facts)
    every = {key for found in facts.values() for key in found}
    lines = []
    if rows:
        lines = ["| page | fact | " + " | ".join(facts) + " | relative |"]
        lines.append("|" + "---|" * (len(facts) + 3))
        for spread, page, name, values in rows:
            shown = " | ".join("-" if v is None else _short(v) for v in values)
            lines.append(f"| {page} | {name} | {shown} | {spread:.1e} |")
    lines.append(f"\n{len(every) - len(rows)} of {len(every)} facts are equal to the last bit.")
    return "\n".join(lines)


def _short(value: Any) -> str:
    return f"{value:.9g}" if isinstance(value, float) else str(value)


def main(arguments: list[str]) -> None:
    """Write the table of the runs that are named; end with one line where there is nothing.

    It goes to the file ``differences.md`` and, in a workflow, into its summary as well.
    """
    named = dict(argument.partition("=")[::2] for argument in arguments)
    if len(named) < 2 or not all(named.values()):
        sys.exit("Name two runs or more: compare_facts.py cpu=FILE gpu=FILE")
    try:
        text = table({name: read_facts(Path(file)) for name, file in named.items()}) + "\n"
    except OSError as error:
        sys.exit(f"The facts cannot be compared: {error.strerror}: {error.filename}")
    print(text)
    Path("differences.md").write_text(text, "utf8")
    if os.environ.get("GITHUB_STEP_SUMMARY"):
        with Path(os.environ["GITHUB_STEP_SUMMARY"]).open("a", encoding="utf8") as summary:
            summary.write(text)


if __name__ == "__main__":
    main(sys.argv[1:])

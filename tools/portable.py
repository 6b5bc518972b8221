"""Run tests and chapters as other processors would; say which numbers differ, and by how much.

``portable.py`` takes the whole book; ``portable.py tensors data`` these chapters. PyTorch and
oneDNN can be told to use fewer instructions than the processor has, so one machine shows what
several would: the oldest it could meet, one with AVX2, and itself; a GPU too where there is one. A
page that does not hold somewhere is named with its fault. Times and memory vary anyway and are left
out.
"""

import json
import os
import subprocess
import sys
from typing import Any

import torch
from build import ROOT, alone, build, faults

SETTINGS = {
    "oldest, 1 thread": {
        "ONEDNN_MAX_CPU_ISA": "SSE41",
        "ATEN_CPU_CAPABILITY": "default",
        "DEFINEBYRUN_THREADS": "1",
    },
    "AVX2, 2 threads": {
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "ATEN_CPU_CAPABILITY": "avx2",
        "DEFINEBYRUN_THREADS": "2",
    },
    "this, 4 threads": {"DEFINEBYRUN_THREADS": "4"},
}
GPU = {"GPU": {"DEFINEBYRUN_DEVICE": "cuda"}}
SMALL_BOOKS = ("machinery", "builds")  # these tests compute nothing
Facts = dict[tuple[str, str], Any]


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


def chapter_facts(
    name: str, variables: dict[str, str], chapters: list[str]
) -> tuple[Facts, list[str]]:
    """Build the book, or these chapters, in a setting; return the facts and what fails."""
    place = ROOT / "_build" / "portable" / name.split(",")[0]
    facts: Facts = {}
    failed = []
    for chapter in chapters or [""]:
        folder = place / (chapter or "book")
        options = alone([chapter], folder) if chapter else ["--path-output", str(folder)]
        log = folder / "_build" / "build.log"
        if build(options, log, variables):
            failed.append(faults(log.read_text("utf8", "replace")))
            continue
        for fact in json.loads((folder / "_build" / "html" / "facts.json").read_text("utf8")):
            if not fact["varies"]:
                facts[fact["page"], fact["name"]] = fact["value"]
    return facts, failed


def test_failures(name: str, variables: dict[str, str]) -> list[str]:
    """Run the tests that compute something in a setting; return those that fail."""
    threads = {"OMP_NUM_THREADS": variables.get("DEFINEBYRUN_THREADS", "1")}
    command = [sys.executable, "-m", "pytest", "-n", "auto", "--dist", "loadgroup"]
    command += ["-m", "not built", *(f"--ignore=tests/test_{name}.py" for name in SMALL_BOOKS)]
    tested = subprocess.run(
        command, cwd=ROOT, env=os.environ | variables | threads, capture_output=True, text=True
    )
    lines = tested.stdout.strip().splitlines() or ["no output"]
    print(f"{name}: tests: {lines[-1]}", flush=True)
    failed = [line for line in lines if line.startswith(("FAILED", "ERROR"))]
    return failed or [lines[-1]] * bool(tested.returncode)


def main() -> None:
    """Run every setting and print the table; fail if a test or a page fails in one of them."""
    settings = SETTINGS | (GPU if torch.cuda.is_available() else {})
    facts, failed = {}, []
    for name, variables in settings.items():
        print(f"{name}: {' '.join(f'{k}={v}' for k, v in variables.items())}", flush=True)
        facts[name], broken = chapter_facts(name, variables, sys.argv[1:])
        broken += test_failures(name, variables)
        failed += [f"{name}: {line}" for line in broken]
    print("\n" + table(facts))
    if failed:
        sys.exit("\nDoes not hold everywhere:\n" + "\n".join(failed))


if __name__ == "__main__":
    main()

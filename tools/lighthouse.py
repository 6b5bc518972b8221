"""Judge the built pages with Lighthouse, on a phone and on a desk, and print a table.

It needs Chromium and Node with npx, which fetches Lighthouse from the npm registry once; so it is
no part of the tests. The pages are served from here, compressed, as a real server would.

    python tools/lighthouse.py                 # every page
    python tools/lighthouse.py tensors data    # some
"""

import functools
import gzip
import http.server
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from build import ROOT
from pdf import browser_path

LIGHTHOUSE = "lighthouse@12.8.2"
CATEGORIES = ("performance", "accessibility", "best-practices", "seo")
GOALS = {"mobile": 0.9, "desktop": 1.0}  # of performance; the others are to be perfect
COMPRESSED = (".html", ".css", ".js", ".json", ".svg", ".xml")
PHONE = ["--form-factor=mobile"]
FORMS = {"mobile": PHONE, "desktop": ["--preset=desktop"]}


class Compressing(http.server.SimpleHTTPRequestHandler):
    """Serves files as a real server does: text is compressed, and nothing is logged."""

    def do_GET(self) -> None:
        """Answer with a file."""
        path = Path(self.translate_path(self.path))
        path = path / "index.html" if path.is_dir() else path
        if not path.is_file():
            self.send_error(404)
            return
        body = path.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Cache-Control", "max-age=31536000")
        if path.suffix in COMPRESSED:
            body = gzip.compress(body, 6)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def judge(address: str, form: str, command: list[str]) -> dict[str, float]:
    """Return Lighthouse's marks of one page, and how many bytes were sent.

    Args:
        address: of the page.
        form: a key of FORMS.
        command: how Lighthouse is called.
    """
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder, "result.json")
        options = [f"--only-categories={','.join(CATEGORIES)}", "--output=json", "--quiet"]
        options += [f"--output-path={result}", *FORMS[form]]
        options += ["--chrome-flags=--headless=new --no-sandbox --disable-gpu"]
        subprocess.run([*command, address, *options], check=True, capture_output=True)
        said = json.loads(result.read_text("utf8"))
    marks = {name: said["categories"][name]["score"] or 0.0 for name in CATEGORIES}
    lacking = [
        ref["id"]
        for name in CATEGORIES[1:]
        for ref in said["categories"][name]["auditRefs"]
        if ref["weight"] and said["audits"][ref["id"]]["score"] not in (1, None)
    ]
    sent = said["audits"]["total-byte-weight"].get("numericValue", 0)
    return marks | {"KiB": sent / 1024, "lacking": lacking}  # type: ignore[dict-item]


def pages(folder: Path, wanted: list[str]) -> list[str]:
    """Return the addresses of the pages to judge, below the root of the site."""
    found = [*sorted(folder.glob("book/*.html")), folder / "search.html"]
    found += sorted(folder.glob("source/**/*.html"))[:1]  # they are all alike
    names = [path.relative_to(folder).as_posix() for path in found if path.exists()]
    return [name for name in names if not wanted or Path(name).stem in wanted]


def main() -> None:
    """Judge the pages; exit with 1 where one misses its goal."""
    folder = Path(os.environ.get("LIGHTHOUSE_SITE", ROOT / "_build" / "html"))
    browser = browser_path()
    ready = os.environ.get("LIGHTHOUSE")
    command = [ready] if ready else ["npx", "--yes", LIGHTHOUSE]
    if browser is None or not shutil.which(command[0]):
        sys.exit("Lighthouse needs Chromium and npx on the PATH.")
    os.environ["CHROME_PATH"] = browser
    handler = functools.partial(Compressing, directory=str(folder))
    missed = 0
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print("| page | form | performance | accessibility | best practices | search | KiB |")
        print("|---|---|---|---|---|---|---|")
        for name in pages(folder, sys.argv[1:]):
            for form, goal in GOALS.items():
                address = f"http://127.0.0.1:{server.server_port}/{name}"
                found = judge(address, form, command)
                marks = [f"{found[category]:.2f}" for category in CATEGORIES]
                row = [name, form, *marks, f"{found['KiB']:.0f}"]
                print(f"| {' | '.join(row)} |", *found["lacking"], flush=True)  # type: ignore[misc]
                good = found["performance"] >= goal
                missed += not (good and all(found[one] == 1 for one in CATEGORIES[1:]))
        server.shutdown()
    sys.exit(f"{missed} of the pages miss their goal." if missed else 0)


if __name__ == "__main__":
    main()

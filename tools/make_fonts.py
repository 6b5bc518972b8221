"""Cut the Japanese font of the pages out of BIZ UDPGothic: the kana, and the words the book uses.

Run it again when a page says something new in Japanese (a test finds a letter that is missing):

    pip install fonttools brotli
    apt-get download fonts-morisawa-bizud-gothic && dpkg -x fonts-morisawa-bizud-gothic_*.deb font
    python tools/make_fonts.py $(find font -name 'BIZUDPGothic-Regular.ttf')

The result is 15 kB, and a list of its letters. A build needs neither this tool nor the font.
"""

import sys
from pathlib import Path

from fontTools import subset

ROOT = Path(__file__).resolve().parent.parent
FONTS = ROOT / "src" / "definebyrun" / "book" / "static" / "fonts"
ALWAYS = "".join(map(chr, [*range(0x3041, 0x3097), *range(0x30A1, 0x30F7), *range(0x3000, 0x3003)]))
ALWAYS += "ーゝゞヽヾゟヿ・「」『』【】（）々"


def japanese(letter: str) -> bool:
    """Tell whether a letter belongs to the font: kana, Chinese characters and their signs."""
    return "\u3000" <= letter <= "\u9fff" or "\uff01" <= letter <= "\uff60"


def letters() -> str:
    """Return the letters of the font: all kana, and what else stands in pages and sources."""
    found = set(ALWAYS)
    for pattern in ("book/*.md", "references.bib", "src/definebyrun/**/*.py", "_*.yml"):
        for path in ROOT.glob(pattern):
            found |= set(filter(japanese, path.read_text("utf8")))
    return "".join(sorted(found))


def main() -> None:
    """Write the font as WOFF2, without hints, features and names that a page has no use for."""
    options = subset.Options(
        flavor="woff2", hinting=False, layout_features=["palt", "kern"], name_IDs=[0, 1, 2, 13, 14]
    )
    font = subset.load_font(sys.argv[1], options)
    cutter = subset.Subsetter(options)
    cutter.populate(text=letters())
    cutter.subset(font)
    FONTS.mkdir(exist_ok=True)
    path = FONTS / "japanese.woff2"
    subset.save_font(font, str(path), options)
    path.with_suffix(".txt").write_text(letters() + "\n", "utf8")
    print(f"{path.relative_to(ROOT)}: {len(letters())} letters, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()

"""Draw the embedded kana: 46 characters x 200 images of 48 x 48 that look like old print.

A maintainer's tool: it makes `src/definebyrun/data/kana.npz`, the family of each image and the
credits beside it, once. No
test and no chapter runs it. The same fonts, seed, Pillow and NumPy give the same file.

    python tools/make_kana.py FONTS

FONTS is a folder with one sub-folder a family, holding its font files (.ttf, .otf or .woff2) and
its licence as a file named LICENSE. Use only families whose licence lets anyone ship images of
their glyphs. The published images were drawn from

- the `@fontsource/<family>` npm packages (SIL Open Font License) of the families that the credits
  list: `npm pack @fontsource/<family>`, unpack, then copy LICENSE and
  `files/<family>-japanese-*-normal.woff2` of weights 400 and heavier;
- Debian's packages `fonts-dejima-mincho` (MIT) and `fonts-oradano-mincho-gsrr` (its author lets
  anyone print, embed and redistribute it): `apt-get download`, `dpkg -x`, then copy the .ttf, and
  the package's `copyright` as LICENSE, into `dejima-mincho` and `oradano-mincho`.

It needs SciPy beside the package's own dependencies.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from definebyrun.data.families import FAMILIES_FILE
from definebyrun.data.kana import DATA_FILE, PER_CLASS
from definebyrun.data.levels import pack
from definebyrun.data.names import NAMES, SIZE

FINE = 4 * SIZE  # the ink is spread on a page four times as fine as the final image
# How often a family is taken, relative to 1: the two drawn after type of about 1900 more often,
# the ones without brush strokes less.
SHARE = {
    "oradano-mincho": 6,
    "dejima-mincho": 3,
    "zen-antique": 2,
    "zen-antique-soft": 2,
    "biz-udpgothic": 0.3,
    "kiwi-maru": 0.4,
    "klee-one": 0.6,
    "sawarabi-gothic": 0.3,
    "zen-kaku-gothic-antique": 0.6,
    "zen-kurenaido": 0.4,
    "zen-maru-gothic": 0.4,
}

Glyphs = dict[str, list[ImageFont.FreeTypeFont]]


def find_fonts(folder: Path) -> Glyphs:
    """Return the fonts of each family, refusing a family without its licence."""
    families: Glyphs = {}
    for family in sorted(path for path in folder.iterdir() if path.is_dir()):
        if not (family / "LICENSE").is_file():
            raise FileNotFoundError(f"{family} has no file LICENSE; a family needs its licence")
        files = sorted(p for p in family.iterdir() if p.suffix in (".ttf", ".otf", ".woff2"))
        families[family.name] = [ImageFont.truetype(path, FINE) for path in files]
    if not families:
        raise FileNotFoundError(f"{folder} holds no folder of fonts")
    return families


def smooth_noise(rng: np.random.Generator, size: int, grain: float) -> np.ndarray:
    """Return clouds: noise whose patches are about `grain` pixels wide, of standard deviation 1."""
    cells = max(2, round(size / grain) + 1)
    clouds = ndimage.zoom(rng.standard_normal((cells, cells)), size / cells, order=3)
    return (clouds - clouds.mean()) / (clouds.std() + 1e-6)


def place(rng: np.random.Generator, font: ImageFont.FreeTypeFont, character: str) -> np.ndarray:
    """Draw one glyph, cut to its ink, scaled, slanted and shifted a little: 0 to 1."""
    page = Image.new("L", (2 * FINE, 2 * FINE))
    ImageDraw.Draw(page).text((FINE // 2, FINE // 4), character, fill=255, font=font)
    glyph = page.crop(page.getbbox())
    longest = rng.uniform(0.80, 0.99) * FINE
    stretch = np.exp(rng.normal(0, 0.07))
    width, height = glyph.width * stretch, glyph.height / stretch
    scale = longest / max(width, height)
    # affine map from page to glyph: centre, turn and slant, scale back
    turn, slant = rng.normal(0, 0.035), rng.normal(0, 0.05)
    back = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    back = np.diag([1 / (scale * stretch), stretch / scale]) @ np.array([[1, slant], [0, 1]]) @ back
    room = (FINE - np.array([width, height]) * scale) / 2
    centre = FINE / 2 + rng.uniform(-1, 1, 2) * np.minimum(room, 0.1 * FINE)
    offset = np.array([glyph.width, glyph.height]) / 2 - back @ centre
    coefficients = [*back[0], offset[0], *back[1], offset[1]]
    drawn = glyph.transform(
        (FINE, FINE), Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR
    )
    return np.asarray(drawn, dtype=np.float64) / 255


def spread_ink(rng: np.random.Generator, glyph: np.ndarray) -> np.ndarray:
    """Let the ink run: wavy strokes, heavier or lighter than the type, in places broken."""
    rows, columns = np.mgrid[:FINE, :FINE].astype(float)
    waves = rng.uniform(0, 1.8)
    rows += waves * smooth_noise(rng, FINE, 40)
    columns += waves * smooth_noise(rng, FINE, 40)
    glyph = ndimage.map_coordinates(glyph, [rows, columns], order=1)
    wet = ndimage.gaussian_filter(glyph, rng.uniform(2.0, 5.0))
    level = np.clip(rng.normal(0.36, 0.10), 0.15, 0.55)
    level = level + rng.uniform(0, 0.08) * smooth_noise(rng, FINE, 16)
    return np.clip((wet - level) / 0.1 + 0.5, 0, 1)


def photograph(rng: np.random.Generator, ink: np.ndarray) -> np.ndarray:
    """Scan the page: blur, faint ink, uneven paper, grain and specks; (SIZE, SIZE), 0 to 1."""
    ink = ndimage.gaussian_filter(ink, rng.uniform(1.5, 4.5))
    image = ink.reshape(SIZE, 4, SIZE, 4).mean((1, 3))
    if rng.random() < 0.12:  # scanned in black and white
        specks = rng.random((SIZE, SIZE)) < rng.choice([0, 0.002])
        return np.where(image > rng.uniform(0.3, 0.6), 1.0, 0.0) + specks
    image = image * (1 - rng.uniform(0, 0.22) * np.abs(smooth_noise(rng, SIZE, 6)))
    image = image * rng.uniform(0.7, 1.2)
    paper = rng.uniform(0, 0.06) * smooth_noise(rng, SIZE, rng.uniform(8, 30))
    grain = rng.uniform(0, 0.035) * ndimage.gaussian_filter(rng.standard_normal(image.shape), 0.5)
    image = image + paper + grain - 0.03
    if rng.random() < 0.15:  # the edge of a neighbour
        image = np.maximum(image, neighbour(rng))
    return image


def neighbour(rng: np.random.Generator) -> np.ndarray:
    """Return a piece of ink on one of the four edges."""
    piece = np.zeros((SIZE, SIZE))
    start = rng.integers(0, SIZE - 8)
    piece[: rng.integers(1, 4), start : start + rng.integers(3, 16)] = rng.uniform(0.4, 0.9)
    return np.rot90(ndimage.gaussian_filter(piece, 0.7), rng.integers(4))


def choose_family(rng: np.random.Generator, names: Sequence[str]) -> int:
    """Return the place of the family that the next image is drawn from."""
    share = np.array([SHARE.get(name, 1.0) for name in names])
    return int(rng.choice(len(names), p=share / share.sum()))


def draw(
    rng: np.random.Generator, fonts: list[ImageFont.FreeTypeFont], character: str
) -> np.ndarray:
    """Return one image, uint8 of shape (SIZE, SIZE), 16 levels from 0 (paper) to 15 (ink)."""
    glyph = place(rng, fonts[rng.integers(len(fonts))], character)
    image = photograph(rng, spread_ink(rng, glyph))
    return np.rint(np.clip(image, 0, 1) * 15).astype(np.uint8)


def credits(folder: Path, families: Glyphs) -> str:
    """Return the credits: each family with the first lines of its licence."""
    lines = [
        "# Where the kana images come from",
        "",
        "The images in `kana.npz` were drawn by `tools/make_kana.py` from the fonts below, then",
        "spread, blurred and worn until they look like old print. They hold no font and no part",
        "of one. Each licence lets anyone use the font to make and to pass on such images. With",
        "thanks to those who drew them:",
        "",
    ]
    for family, fonts in families.items():
        name = min((font.getname()[0] or family for font in fonts), key=len)
        name = name.removesuffix(" ExtraLight")
        text = (folder / family / "LICENSE").read_text(encoding="utf-8")
        if "Open Font License" in text or "OPEN FONT LICENSE" in text:
            holder = text.strip().splitlines()[0].split(")")[0]
            holder += ")" if "(" in holder else ""
            kind = "SIL Open Font License 1.1"
        else:
            holder = next(x for x in text.splitlines() if x.startswith("Copyright:"))
            holder = holder.split("<")[0]
            kind = "MIT licence" if "License: MIT" in text else "free use and redistribution"
        lines.append(f"- **{name.removesuffix(' ExtraLight')}**: {kind}. {holder.strip()}")
    return "\n".join(lines) + "\n"


def main(arguments: list[str]) -> None:
    """Draw all images and write them, with the credits."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("fonts", type=Path, help="folder with one sub-folder a font family")
    parser.add_argument("--seed", type=int, default=1900)
    parser.add_argument("--output", type=Path, default=DATA_FILE)
    options = parser.parse_args(arguments)
    families = find_fonts(options.fonts)
    names = list(families)
    images = np.empty((len(NAMES), PER_CLASS, SIZE, SIZE), dtype=np.uint8)
    of = np.empty((len(NAMES), PER_CLASS), dtype=np.uint8)
    for label, character in enumerate(NAMES):
        for index in range(PER_CLASS):
            rng = np.random.default_rng([options.seed, label, index])
            of[label, index] = choose_family(rng, names)
            images[label, index] = draw(rng, families[names[of[label, index]]], character)
        print(character, end="", flush=True)
    np.savez_compressed(options.output, images=pack(images))
    np.savez_compressed(options.output.with_name(FAMILIES_FILE.name), of=of, names=np.array(names))
    (options.output.parent / "KANA-CREDITS.md").write_text(
        credits(options.fonts, families), encoding="utf-8"
    )
    print(f"\n{options.output}: {options.output.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main(sys.argv[1:])

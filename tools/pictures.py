"""Take the pictures of the README from the built book, and draw the card of a shared link.

It needs Chromium and a built book. The pictures lie in ``pictures/``, small enough for a
repository; the card goes to the other files that every build ships.
"""

import sys
from io import BytesIO

from build import ROOT
from pdf import browser_path
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

SITE = ROOT / "_build" / "html"
PLACE = ROOT / "pictures"
STATIC = ROOT / "src" / "definebyrun" / "book" / "static"
SHOTS = {  # picture: page, what stands at its top, width, height, scheme
    "first-page": ("index", "h1", 1280, 860, "light"),
    "chapter-dark": ("autodiff", "figure:has(img)", 1280, 860, "dark"),
    "phone": ("cnn", "figure:has(img)", 390, 844, "light"),
}
ABOVE = 120  # pixels between the top of a picture and what it shows
CARD = """<style>
  body { align-items: center; background: #0b5f8a; color: #fff; display: flex; gap: 40px;
    font: 600 84px/1.1 system-ui, sans-serif; height: 630px; margin: 0; padding: 0 80px;
    box-sizing: border-box; }
  svg { flex: none; height: 300px; width: 300px; }
  span { white-space: nowrap; }
</style>"""


def small(picture: bytes) -> Image.Image:
    """Return a picture in no more colours than a page needs."""
    return Image.open(BytesIO(picture)).convert("RGB").quantize(256, dither=Image.Dither.NONE)


def take(browser: Browser, page: str, top: str, width: int, height: int, scheme: str) -> bytes:
    """Return a picture of a built page as a reader sees it.

    Args:
        browser: that draws the page.
        page: its name.
        top: a selector; the first that is visible stands at the top of the picture.
        width: of the window, in pixels.
        height: of the window, in pixels.
        scheme: light or dark.
    """
    options = {"viewport": {"width": width, "height": height}, "color_scheme": scheme}
    context = browser.new_context(**options)  # type: ignore[arg-type]
    sheet = context.new_page()
    sheet.goto((SITE / "book" / f"{page}.html").as_uri())
    sheet.evaluate(
        """([top, above]) => {
          const found = [...document.querySelectorAll(top)].find((one) => one.checkVisibility());
          scrollBy({ top: found.getBoundingClientRect().top - above, behavior: "instant" });
        }""",
        [f"article {top}", ABOVE],
    )
    sheet.wait_for_timeout(500)  # figures are fetched when they come near
    picture = sheet.screenshot()
    context.close()
    return picture


def card(browser: Browser, title: str) -> bytes:
    """Return the picture that stands beside a link which somebody shares."""
    sheet = browser.new_page(viewport={"width": 1200, "height": 630})
    sheet.set_content(CARD + (STATIC / "mark.svg").read_text("utf8") + f"<span>{title}</span>")
    picture = sheet.screenshot()
    sheet.close()
    return picture


def main() -> None:
    """Take all pictures, and say how large they are."""
    path = browser_path()
    if path is None:
        sys.exit("No pictures: 'make pictures' wants chromium or google-chrome on the PATH.")
    PLACE.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        made = {PLACE / f"{name}.png": take(browser, *shot) for name, shot in SHOTS.items()}
        made[STATIC / "card.png"] = card(browser, "Define by Run")
        browser.close()
    for file, picture in made.items():
        small(picture).save(file, optimize=True)
        print(f"{file.relative_to(ROOT)}: {file.stat().st_size // 1024} KiB")


if __name__ == "__main__":
    main()

"""Start a page of the book: ``chapter.py slopes "Slopes and steps"``.

The page is ``template.md`` under another name. It is listed at the end of the last numbered part,
or of the part that is named, as in ``chapter.py slopes "Slopes and steps" II``.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = Path(__file__).with_name("template.md")
NAME, TITLE = "slopes", "# Slopes\n"  # what the template calls itself
ITEM = re.compile(r"\s*- file: ")


def page(name: str, title: str) -> str:
    """Return the template as a page of this name and title."""
    text = TEMPLATE.read_text("utf8").replace(TITLE, f"# {title}\n")
    return re.sub(rf"(\(chapter-|\(|ex-){NAME}\b", rf"\g<1>{name}", text)


def listed(contents: str, name: str, part: str = "") -> str:
    """Return the contents with the page at the end of a part.

    Args:
        contents: the text of ``_toc.yml``.
        name: the name of the page.
        part: the number of the part as its title has it, such as II; unset, the last numbered one.

    Raises:
        ValueError: there is no such part.
    """
    lines = contents.splitlines(keepends=True)
    parts = [
        n
        for n, line in enumerate(lines)
        if re.match(rf"\s*- caption: Part {part or '[IVX]+'}\.", line)
    ]
    if not parts:
        raise ValueError(
            f"there is no Part {part} in _toc.yml" if part else "_toc.yml has no parts"
        )
    last = parts[-1]
    for place in range(parts[-1] + 1, len(lines)):
        if "- caption:" in lines[place]:
            break
        if ITEM.match(lines[place]):
            last = place
    found = ITEM.match(lines[last])
    start = found[0] if found else "      - file: "
    return "".join([*lines[: last + 1], f"{start}book/{name}\n", *lines[last + 1 :]])


def wrong(name: str, title: str) -> str:
    """Say what is wrong with the name or title of a page, or nothing."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        return f"NAME is {name!r}; expected lower-case words joined by hyphens, as in batch-norm."
    if (ROOT / "book" / f"{name}.md").exists():
        return f"There is a page {name!r} already: book/{name}.md."
    if not title.strip() or "\n" in title:
        return f"TITLE is {title!r}; expected the title of the page."
    return ""


def main() -> None:
    """Write the page, list it, and say how to look at it."""
    name, title, part = [*sys.argv[1:], "", "", ""][:3]
    fault = wrong(name, title)
    if fault:
        sys.exit(fault)
    contents = ROOT / "_toc.yml"
    try:
        text = listed(contents.read_text("utf8"), name, part)
    except ValueError as error:
        sys.exit(f"{error}.".capitalize())
    (ROOT / "book" / f"{name}.md").write_text(page(name, title.strip()), encoding="utf8")
    contents.write_text(text, encoding="utf8")
    print(f"book/{name}.md is started and listed. Look at it with: make preview CHAPTER={name}")


if __name__ == "__main__":
    main()

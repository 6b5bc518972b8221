"""What the run of a page depends on: modules it reaches and their data, pins, device, variables.

Everything is compared by content. A page's *key* is a digest of all that its run depends on besides
its own cells: the modules of this package that the cells import, what those import in turn, the
data files beside them, and the surroundings that all pages share.
"""

import ast
import hashlib
import os
import re
from collections.abc import Collection, Iterable
from functools import cache
from importlib import metadata
from pathlib import Path

import definebyrun
from definebyrun.book.notebook import BUILDING

PACKAGE = Path(definebyrun.__file__).parent
MACHINERY = PACKAGE / "book"
JOBS = "DEFINEBYRUN_JOBS"  # how many pages run at a time
PROCESSOR = ("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA")  # instructions PyTorch may use
SITE = "DEFINEBYRUN_SITE"  # where the pages will stand
COLAB = "DEFINEBYRUN_COLAB"  # where the notebooks will
NOT_PART_OF_A_RUN = {BUILDING, JOBS, SITE, COLAB}


def digest_of(*contents: bytes | str) -> str:
    """Return a digest of these contents, in this order."""
    digest = hashlib.sha256()
    for content in contents:
        data = content.encode() if isinstance(content, str) else content
        digest.update(b"%d:" % len(data) + data)
    return digest.hexdigest()[:20]


def imported(sources: Iterable[str], package: Path = PACKAGE) -> set[str]:
    """Name the modules of the package that these code cells import, use or mention by name.

    A cell that names the package and is not plain Python, a command or a magic of IPython perhaps,
    counts as importing all of it.
    """
    modules = modules_of(package)
    trees = []
    for source in sources:
        try:
            trees.append(ast.parse(source))
        except SyntaxError:
            if package.name in source:
                return set(modules)
    found = _imports(trees, modules)
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found |= set(re.findall(rf"\b{package.name}(?:\.\w+)*", node.value)) & set(modules)
    return found


def reached(imports: Iterable[str], package: Path = PACKAGE) -> list[Path]:
    """Return the files that these modules load: themselves, what they import, the data beside them.

    A package's ``__init__`` is loaded with each of its modules, and so is what it imports. A file
    that is no module counts with the modules of its folder; so do folders that hold no modules.
    """
    modules = modules_of(package)
    names: set[str] = set()
    waiting = set(imports)
    while waiting:
        name = waiting.pop()
        if name not in modules or name in names:
            continue
        names.add(name)
        inside = modules[name].relative_to(package.parent).parent.parts
        loaded = _imports_of_module(modules[name].read_bytes(), inside, frozenset(modules))
        waiting |= {name.rpartition(".")[0]} | loaded
    files = {modules[name] for name in names}
    for folder in {file.parent for file in files} - {package / "book"}:
        files |= _data_in(folder)
    return sorted(files)


def modules_of(package: Path) -> dict[str, Path]:
    """Map the modules of a package to their files."""
    found = {}
    for file in package.rglob("*.py"):
        parts = [package.name, *file.relative_to(package).with_suffix("").parts]
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


@cache
def _imports_of_module(
    source: bytes, inside: tuple[str, ...], modules: frozenset[str]
) -> frozenset[str]:
    """Name the modules that one imports, and those that it names in full in a string."""
    try:
        tree = ast.parse(source)
    except SyntaxError:  # the page that loads it will say so
        return frozenset()
    strings = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return frozenset(_imports([tree], modules, inside) | (strings & modules))


def _imports(
    trees: list[ast.Module], modules: Collection[str], inside: tuple[str, ...] = ()
) -> set[str]:
    """Name the modules that this code imports, and those that it reaches by ``package.module``."""
    root = min(modules, key=len)
    found: set[str] = set()
    bound: dict[str, str] = {}  # names that stand for packages whose modules may load when named
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                found.add(alias.name)
                bound[alias.asname or root] = alias.name if alias.asname else root
        elif isinstance(node, ast.ImportFrom):
            above = inside[: len(inside) - node.level + 1] if node.level else ()
            base = ".".join([*above, *filter(None, [node.module])])
            found.add(base)
            for alias in node.names:
                found.add(f"{base}.{alias.name}")
                bound[alias.asname or alias.name] = f"{base}.{alias.name}"
    bound = {name: module for name, module in bound.items() if module in modules}
    inner: set[int] = set()  # the names that are only the start of a longer path
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.Attribute):
            path = ast.unparse(node).split(".")
            if path[0] in bound:
                inner.add(id(node.value))
                full = [bound[path[0]], *path[1:]]
                found |= {".".join(full[:n]) for n in range(1, len(full) + 1)}
        elif isinstance(node, ast.Name) and node.id in bound and id(node) not in inner:
            lazy = bound[node.id]  # handed on whole: any of its modules may be asked for
            if lazy != root:
                found |= {module for module in modules if module.startswith(f"{lazy}.")}
    return found & set(modules)


def _data_in(folder: Path) -> set[Path]:
    found = set()
    for entry in folder.iterdir():
        if entry.is_dir() and entry.name != "__pycache__" and not any(entry.rglob("*.py")):
            found |= {file for file in entry.rglob("*") if file.is_file()}
        elif entry.is_file() and entry.suffix not in (".py", ".pyc"):
            found.add(entry)
    return found


def run_key(imports: Iterable[str], shared: str, package: Path = PACKAGE) -> str:
    """Return a digest of all that the run of a page depends on besides its cells."""
    files = reached(imports, package)
    contents = [part for f in files for part in (str(f.relative_to(package)), f.read_bytes())]
    return digest_of(shared, *contents)


def surroundings(source_folder: Path, device: str, kernels: dict[str, str]) -> str:
    """Return a digest of what all runs depend on.

    That is: the pins and the versions installed, the device, how kernels are set up, and the
    variables of the book.
    """
    variables = {
        name: value
        for name, value in os.environ.items()
        if (name.startswith("DEFINEBYRUN_") or name in PROCESSOR) and name not in NOT_PART_OF_A_RUN
    }
    settings = [f"{name}={value}" for name, value in sorted((kernels | variables).items())]
    return digest_of(device, _pins(source_folder), *_installed(), *settings)


def drawing(source_folder: Path) -> str:
    """Return a digest of what every page is drawn with, and no run depends on.

    That is: the machinery with its templates and styles, the contents, the bibliography, and the
    versions installed.
    """
    files = [f for f in sorted(MACHINERY.rglob("*")) if f.is_file() and f.suffix != ".pyc"]
    files += [source_folder / name for name in ("_toc.yml", "references.bib")]
    contents = [part for f in files if f.exists() for part in (f.name, f.read_bytes())]
    return digest_of(_pins(source_folder), *_installed(), *contents)


def _pins(source_folder: Path) -> bytes:
    pins = source_folder / "requirements.lock"
    return pins.read_bytes() if pins.exists() else b""


@cache
def _installed() -> tuple[str, ...]:
    return tuple(sorted({f"{one.name}=={one.version}" for one in metadata.distributions()}))

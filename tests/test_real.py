"""Real print: what ships, where it comes from, and that nobody trains on it."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from definebyrun.data import NAMES, load_kana, read_real
from definebyrun.data.image import clean
from definebyrun.data.real import REAL_FILE

TOOL = Path(__file__).parents[1] / "tools" / "pack_scans.py"


@pytest.fixture(scope="module")
def real():
    return read_real()


def test_every_character_has_at_least_one_scan(real):
    assert real.images.shape == (199, 1, 48, 48)
    assert real.images.dtype == torch.uint8
    assert torch.bincount(real.labels, minlength=46).min() >= 1
    assert len(torch.bincount(real.labels)) == 46


def test_ink_is_high_and_paper_zero(real):
    assert ((real.images == 0).float().mean(dim=(1, 2, 3)) > 0.15).all()
    assert real.images.flatten(1).amax(dim=1).eq(255).all()


def test_years_and_books_are_those_of_old_print(real):
    """One book has one year: else two numbers would have been mixed up."""
    assert real.years.min() >= 1900
    assert real.years.max() <= 1968
    for book in real.books.unique():
        assert len(real.years[real.books == book].unique()) == 1
    assert len(real.books.unique()) == 36


def test_no_scan_is_among_the_drawn_images_and_none_occurs_twice(real):
    data = load_kana(seed=0, dtype=torch.uint8)
    drawn = {image.numpy().tobytes() for part in (data.train, data.test) for image in part.images}
    scans = {image.numpy().tobytes() for image in real.images}
    assert len(scans) == len(real.images)
    assert not drawn & scans


def test_the_labels_name_what_the_scans_show(real):
    """The mean images of the drawn kana have never seen a scan, and read most of them."""
    data = load_kana(seed=0)
    means = torch.stack([data.train.images[data.train.labels == c].mean(0) for c in range(46)])
    read = torch.cdist(data.real.images.flatten(1), means.flatten(1)).argmin(1)
    assert (read == real.labels).float().mean() > 0.8


def test_load_kana_gives_them_beside_the_test_set_as_asked(real):
    floats, integers = load_kana(seed=0).real, load_kana(seed=1, dtype=torch.uint8).real
    assert torch.equal(integers.images, real.images)
    assert torch.equal(floats.images, real.images.float() / 255)
    assert torch.equal(floats.labels, real.labels)


def test_a_folder_of_your_own_has_no_real_print(tmp_path):
    for name in ("circle", "cross"):
        (tmp_path / name).mkdir()
        for index in range(4):
            page = np.full((48, 48), 230, dtype=np.uint8)
            page[10 * index : 10 * index + 5] = 20
            Image.fromarray(page).save(tmp_path / name / f"{index}.png")
    assert load_kana(seed=0, source=tmp_path).real is None


def test_the_tool_packs_what_clean_gives(tmp_path):
    """The same preprocessing as for folders, to 16 levels; year and book from the file name."""
    spec = importlib.util.spec_from_file_location("pack_scans", TOOL)
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    rng = np.random.default_rng(0)
    pages = rng.integers(0, 256, (2, 48, 48), dtype=np.uint8)
    for folder, page in zip(("U3042", "U3093", "U304C"), (*pages, pages[0]), strict=True):
        (tmp_path / folder).mkdir()
        Image.fromarray(page).save(tmp_path / folder / "1932_1176273_0068.png")
    tool.main([str(tmp_path), "--output", str(tmp_path / "out.npz")])
    with np.load(tmp_path / "out.npz") as file:
        assert file["labels"].tolist() == [NAMES.index("あ"), NAMES.index("ん")]
        assert file["years"].tolist() == [1932] * 2
        assert file["books"].tolist() == [1176273] * 2
        pixels = tool_unpack(file["images"])
    for page, image in zip(pages, pixels, strict=True):
        assert np.abs(clean(page).astype(int) - image).max() <= 8  # half of a level of 17


def tool_unpack(packed):
    """Written out by another way than the book's: the halves of each byte in turn."""
    halves = np.stack([packed // 16, packed % 16], axis=-1)
    return halves.reshape(len(packed), 48, 48).astype(int) * 17


def test_the_file_is_small():
    assert REAL_FILE.stat().st_size < 150_000

"""Reading a teacher's own folder of images, and what goes wrong with it."""

import os

import numpy as np
import pytest
import torch
from PIL import Image

from definebyrun.data import load_kana
from definebyrun.data.folder import choose, class_name, read_folder
from definebyrun.data.image import clean


def write(file, page, mode="L"):
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(page).convert(mode).save(file)


def page(size=(60, 60), bar=slice(20, 30)):
    """A light page with a dark bar across."""
    pixels = np.full(size, 230, dtype=np.uint8)
    pixels[bar] = 30
    return pixels


@pytest.fixture
def folder(tmp_path):
    for index in range(10):
        write(tmp_path / "cat" / f"{index}.png", page(bar=slice(index, index + 12)))
        write(tmp_path / "dog" / f"{index}.jpg", page((96, 96)).T, "RGB")
    return tmp_path


def test_the_same_call_reads_a_folder(folder):
    data = load_kana(seed=0, source=folder, test=0.3)
    assert data.names == ("cat", "dog")
    assert data.train.images.shape == (14, 1, 48, 48)
    assert torch.bincount(data.test.labels).tolist() == [3, 3]
    assert data.train.images.min() == 0
    assert data.train.images.max() == 1


def test_labels_belong_to_their_images(folder):
    """Cats have a bar across, dogs have one down: rows of a cat's image are constant."""
    examples, names = read_folder(folder)
    for image, label in zip(*examples, strict=True):
        bar_across = bool((image.float().std(2) < 3).all())
        assert bar_across == (names[label] == "cat")


def test_what_is_no_image_is_left_out_or_named(folder):
    (folder / "cat" / ".DS_Store").write_bytes(b"x")
    (folder / "cat" / "notes.txt").write_text("hello")
    (folder / "empty").mkdir()
    assert len(read_folder(folder)[0].labels) == 20
    (folder / "cat" / "late.png").write_bytes(b"not an image")
    with pytest.raises(ValueError, match=r"late\.png' cannot be read as an image"):
        read_folder(folder)


def test_at_most_so_many_of_a_class(folder):
    examples, _ = read_folder(folder, per_class=4)
    assert torch.bincount(examples.labels).tolist() == [4, 4]


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="expected a folder that exists"):
        load_kana(seed=0, source=tmp_path / "nowhere")


def test_a_folder_without_classes_says_how_it_should_look(tmp_path):
    write(tmp_path / "loose.png", page())
    with pytest.raises(FileNotFoundError, match="one sub-folder a class"):
        load_kana(seed=0, source=tmp_path)


def test_transparent_is_paper(tmp_path):
    pixels = np.zeros((48, 48, 4), dtype=np.uint8)  # black, but wholly transparent
    pixels[10:20, :, 3] = 255  # except for a bar
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        Image.fromarray(pixels).save(tmp_path / name / "1.png")
    image = read_folder(tmp_path)[0].images[0, 0]
    assert (image[10:20] == 255).all()
    assert image.sum() == 255 * 480


def test_clean_brings_paper_to_zero_and_ink_to_full_whatever_the_light():
    for paper, ink in ((255, 0), (200, 100), (120, 30)):
        pixels = np.where(page((48, 48)) > 100, paper, ink).astype(np.uint8)
        cleaned = clean(pixels)
        assert set(np.unique(cleaned)) == {0, 255}
        assert (cleaned[20:30] == 255).all()


def test_clean_does_not_blow_up_an_empty_page():
    rng = np.random.default_rng(0)
    empty = np.clip(rng.normal(220, 1, (48, 48)), 0, 255).astype(np.uint8)
    assert clean(empty).mean() < 30


def test_folder_names_may_be_code_points():
    assert class_name("U3042") == "あ"
    assert class_name("U+3042") == "あ"
    assert class_name("Ursula") == "Ursula"


def test_a_folder_name_that_is_no_code_point_is_a_name():
    for name in ("U110000", "UD800", "U0000", "UFFFFFF"):
        assert class_name(name) == name


def test_folders_that_name_the_same_class_are_one(tmp_path):
    """Code point, character, and the two ways in which systems write a voiced one."""
    for index, name in enumerate(("U3042", "あ", "U304C", "が", "か\u3099", "cat")):
        write(tmp_path / name / "1.png", page(bar=slice(5 * index, 5 * index + 12)))
    examples, names = read_folder(tmp_path)
    assert sorted(names) == sorted(("あ", "が", "cat"))
    counts = torch.bincount(examples.labels).tolist()
    assert dict(zip(names, counts, strict=True)) == {"あ": 2, "が": 3, "cat": 1}
    assert len({image.numpy().tobytes() for image in examples.images}) == 6


def test_one_kana_among_other_folders_does_not_make_them_scans(tmp_path):
    """Scans are read as the 46 kana: the cat would be left out, and nobody told."""
    for name in ("U3042", "cat"):
        write(tmp_path / name / "1.png", page())
        write(tmp_path / name / "2.png", page())
    assert sorted(load_kana(seed=0, source=tmp_path, test=0.5).names) == ["cat", "あ"]


def test_hidden_files_and_folders_are_left_out(folder):
    """Such as a Mac's ._1.png, which is no image, and a notebook's copies of files."""
    (folder / "cat" / "._1.png").write_bytes(b"no image")
    write(folder / ".ipynb_checkpoints" / "1.png", page())
    examples, names = read_folder(folder)
    assert names == ("cat", "dog")
    assert len(examples.labels) == 20


@pytest.mark.parametrize("suffix", [".png", ".heic"])
def test_a_file_that_cannot_be_read_is_named_and_not_passed_over(folder, suffix):
    (folder / "dog" / f"x{suffix}").write_bytes(b"\x00\x00\x00\x18ftypheic")
    with pytest.raises(ValueError, match=rf"x\{suffix}' cannot be read as an image: it is none of"):
        read_folder(folder)


def test_a_pipe_among_the_files_is_named_and_does_not_hang(folder):
    os.mkfifo(folder / "dog" / "pipe.png")
    with pytest.raises(ValueError, match=r"pipe\.png' cannot be read: it is no regular file"):
        read_folder(folder)


def test_an_image_without_ink_is_named(folder):
    write(folder / "dog" / "blank.png", np.full((60, 60), 230, dtype=np.uint8))
    with pytest.raises(ValueError, match=r"blank\.png' shows no ink"):
        read_folder(folder)


def test_choice_keeps_order_and_is_seeded():
    files = list(range(100))
    assert choose(files, 100, 0) == files
    picked = choose(files, 10, 1)
    assert picked == sorted(picked) == choose(files, 10, 1)
    assert picked != choose(files, 10, 2)

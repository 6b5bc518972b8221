"""Reading a teacher's own folder of images, and what goes wrong with it."""

import numpy as np
import pytest
import torch
from PIL import Image

from definebyrun.data import load_kana
from definebyrun.data.folder import choose, class_name, clean, read_folder


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


def test_choice_keeps_order_and_is_seeded():
    files = list(range(100))
    assert choose(files, 100, 0) == files
    picked = choose(files, 10, 1)
    assert picked == sorted(picked) == choose(files, 10, 1)
    assert picked != choose(files, 10, 2)

"""The embedded kana: what ships, how it is divided, and that nothing leaks."""

import copy
import hashlib
import pickle
import re
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from definebyrun.data import NAMES, ROMAJI, load_kana
from definebyrun.data.kana import DATA_FILE, PER_CLASS, read_embedded
from definebyrun.data.levels import pack, unpack
from definebyrun.data.names import SIZE
from definebyrun.data.split import split_indices


@pytest.fixture(scope="module")
def embedded():
    return read_embedded()


def test_the_46_characters_are_the_hiragana_in_use():
    """Unicode lists them in the order of the dictionary; small, voiced and old ones left out."""
    block = [chr(code) for code in range(0x3042, 0x3094)]
    left_out = set("ぃぅぇぉがぎぐげござじずぜぞだぢっづでどばぱびぴぶぷべぺぼぽゃゅょゎゐゑ")
    assert list(NAMES) == [c for c in block if c not in left_out]
    assert len(ROMAJI) == len(set(ROMAJI)) == 46


def test_shapes_and_counts(embedded):
    assert embedded.images.shape == (46 * 200, 1, 48, 48)
    assert embedded.images.dtype == torch.uint8
    assert torch.bincount(embedded.labels).tolist() == [200] * 46


def test_ink_is_high_and_paper_zero(embedded):
    """Most of an image is paper at exactly zero, so a turned image has no dark corners."""
    assert embedded.images.max() == 255
    assert (embedded.images == 0).float().mean() > 0.5
    assert embedded.images.flatten(1).amax(1).min() > 80  # and no image is empty


def test_no_two_images_are_alike(embedded):
    """Identical images in the training and the test set would leak."""
    digests = {hashlib.sha256(image.numpy().tobytes()).digest() for image in embedded.images}
    assert len(digests) == len(embedded.images)


def test_every_class_has_its_own_shape(embedded):
    """A label that were shifted or shuffled would make the mean images of two classes alike."""
    means = embedded.images.float().view(46, 200, -1).mean(1)
    halves = embedded.images.float().view(46, 2, 100, -1).mean(2)
    nearest = torch.cdist(halves[:, 0], halves[:, 1]).argmin(1)
    assert nearest.tolist() == list(range(46))
    assert torch.cdist(means, means).fill_diagonal_(torch.inf).min() > 100


@given(st.integers(0, 2**32 - 1))
def test_unpack_undoes_pack(seed):
    levels = np.random.default_rng(seed).integers(0, 16, (3, SIZE, SIZE), dtype=np.uint8)
    assert (unpack(pack(levels)) == levels * 17).all()


def test_the_file_is_small():
    assert DATA_FILE.stat().st_size < 4.2e6


def test_loading_is_quick_enough_to_do_in_every_chapter():
    """Counted in processor time, with an order of magnitude to spare."""
    start = time.process_time()
    read_embedded()
    assert time.process_time() - start < 5


def test_the_credits_ship_and_name_a_licence_for_each_font():
    credits = (DATA_FILE.parent / "KANA-CREDITS.md").read_text(encoding="utf-8")
    fonts = [line for line in credits.splitlines() if line.startswith("- **")]
    assert len(fonts) > 15
    for line in fonts:
        assert re.search(r"Open Font License 1\.1|MIT licence|free use and redistribution", line)


def test_float_pixels_are_the_bytes_over_255():
    floats, integers = load_kana(seed=3), load_kana(seed=3, dtype=torch.uint8)
    assert floats.train.images.dtype == torch.float32
    assert torch.equal(floats.train.images, integers.train.images.float() / 255)
    assert floats.train.labels.dtype == torch.int64


def key(image):
    return image.numpy().tobytes()


def test_the_sets_are_stratified_disjoint_and_complete(embedded):
    data = load_kana(seed=0, validation=0.2, dtype=torch.uint8)
    counts = [torch.bincount(part.labels) for part in (data.train, data.validation, data.test)]
    assert [sorted(set(c.tolist())) for c in counts] == [[120], [40], [40]]
    label_of = {key(image): int(label) for image, label in zip(*embedded, strict=True)}
    seen = {}
    for part in (data.train, data.validation, data.test):
        for image, label in zip(*part, strict=True):
            assert label_of[key(image)] == int(label)
            seen[key(image)] = int(label)
    assert seen == label_of


def test_asking_for_a_validation_set_leaves_the_test_set_alone():
    """Else images that a model was trained on would be tested on in the next chapter."""
    plain, chosen = load_kana(seed=0), load_kana(seed=0, validation=0.1)
    assert torch.equal(plain.test.images, chosen.test.images)
    assert plain.validation_or_none is None


def test_a_validation_set_that_was_not_asked_for_says_how_to_ask():
    """It used to be None, with which a training runs on in silence, without validation."""
    with pytest.raises(ValueError, match=r"no validation set; .* such as validation=0\.1"):
        _ = load_kana(seed=0).validation


def test_a_guessed_name_says_which_there_are():
    data = load_kana(seed=0)
    with pytest.raises(AttributeError, match="no 'valid'; expected names, train, validation"):
        _ = data.valid
    assert copy.deepcopy(data).names == pickle.loads(pickle.dumps(data)).names == data.names


def test_the_seed_decides():
    assert torch.equal(load_kana(seed=5).test.labels, load_kana(seed=5).test.labels)
    assert not torch.equal(load_kana(seed=5).test.images, load_kana(seed=6).test.images)


def test_the_seed_gives_the_same_sets_everywhere():
    """The first indices, written down: a change here changes every number in the book."""
    labels = torch.arange(46).repeat_interleave(PER_CLASS)
    first, _ = split_indices(labels, (0.2, 0.8), seed=0)
    assert first[:4].tolist() == FIRST


FIRST = [3475, 1997, 4779, 3276]


@given(st.lists(st.integers(0, 4), min_size=1, max_size=60), st.integers(0, 9))
def test_split_is_a_partition_and_within_one_of_its_share(labels, seed):
    tensor = torch.tensor(labels)
    parts = split_indices(tensor, (0.5, 0.2, 0.3), seed)
    assert sorted(torch.cat(parts).tolist()) == list(range(len(labels)))
    for part, share in zip(parts, (0.5, 0.2, 0.3), strict=True):
        for label in set(labels):
            assert abs((tensor[part] == label).sum() - share * labels.count(label)) <= 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"test": 1.0}, "test is 1.0"),
        ({"validation": 0.9}, "validation 0.9"),
        ({"test": -0.1}, "test is -0.1"),
        ({"test": float("nan")}, "test is nan"),
        ({"test": 0.999}, "test is 0.999 and validation 0.0, which leaves the train set empty"),
        ({"test": 0.001}, "leaves the test set empty: there are 9200 images of 46 classes"),
        ({"validation": 0.001}, "leaves the validation set empty"),
        ({"test": 0.5, "validation": 0.499}, "leaves the train set empty"),
        ({"dtype": torch.int64}, "dtype is torch.int64"),
    ],
)
def test_errors_name_argument_and_value(options, message):
    with pytest.raises(ValueError, match=message):
        load_kana(seed=0, **options)


def test_split_refuses_shares_that_do_not_add_up():
    with pytest.raises(ValueError, match=r"fractions is \[0.5, 0.6\]"):
        split_indices(torch.zeros(4), (0.5, 0.6), 0)
    with pytest.raises(ValueError, match="labels has shape"):
        split_indices(torch.zeros(4, 1), (0.5, 0.5), 0)


def test_loading_the_data_writes_nothing_to_stderr():
    """A page shows what a cell writes there: an import that warns would spoil every chapter."""
    code = "from definebyrun.data import load_kana; load_kana(seed=0)"
    command = [sys.executable, "-W", "always", "-c", code]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0
    assert "tqdm" not in run.stderr

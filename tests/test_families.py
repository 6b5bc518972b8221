"""Font families: which image was drawn from which, and a division that keeps them apart."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from definebyrun.data import load_kana, read_families
from definebyrun.data.families import TWINS
from definebyrun.data.kana import read_embedded
from definebyrun.data.split import split_groups


def test_every_image_has_a_family_and_the_credits_name_as_many():
    families = read_families()
    assert families.of.shape == (9200,)
    assert len(families.names) == 23
    assert list(families.names) == sorted(families.names)
    assert torch.bincount(families.of).min() > 50


def test_the_families_are_those_that_the_tool_chose():
    """The tool's first random number of an image is its family; drawn again for a few."""
    families = read_families()
    share = dict.fromkeys(families.names, 1.0) | {
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
    weights = np.array(list(share.values()))
    for label, index in [(0, 0), (0, 1), (7, 42), (45, 199)]:
        rng = np.random.default_rng([1900, label, index])
        chosen = rng.choice(23, p=weights / weights.sum())
        assert families.of[200 * label + index] == chosen


def test_images_of_one_family_are_nearer_to_each_other():
    """An independent look: were the families shuffled, kin would not be near."""
    families = read_families()
    images = read_embedded().images.flatten(1).float()
    near, chance = [], []
    for label in range(46):
        here = slice(200 * label, 200 * label + 200)
        of = families.of[here]
        distances = torch.cdist(images[here], images[here]).fill_diagonal_(torch.inf)
        near.append((of[distances.argmin(1)] == of).float().mean())
        chance.append((of[:, None] == of).float().mean())
    assert torch.stack(near).mean() > 2.5 * torch.stack(chance).mean()


def test_twins_are_each_others_nearest_family():
    """Measured on the images: of the other families, a twin has the nearest image most often."""
    families = read_families()
    images = read_embedded().images.flatten(1).float()
    for one, other in TWINS.items():
        mine = families.of == families.names.index(one)
        rest = (~mine).nonzero().squeeze(1)
        nearest = rest[torch.cdist(images[mine], images[rest]).argmin(1)]
        votes = torch.bincount(families.of[nearest], minlength=23)
        votes = votes / torch.bincount(families.of, minlength=23)  # large ones have more chances
        assert families.names[votes.argmax()] == other


def test_divided_by_family_no_font_is_on_both_sides():
    data = load_kana(seed=0, by="family", validation=0.2, dtype=torch.uint8)
    kin = read_families().kin
    of = {
        image.numpy().tobytes(): int(k)
        for image, k in zip(read_embedded().images, kin, strict=True)
    }
    sides = [
        {of[image.numpy().tobytes()] for image in part.images}
        for part in (data.train, data.validation, data.test)
    ]
    assert not sides[0] & sides[1]
    assert not sides[0] & sides[2]
    assert not sides[1] & sides[2]
    assert len(set.union(*sides)) == len(kin.unique()) == 20
    total = sum(len(part.labels) for part in (data.train, data.validation, data.test))
    assert total == 9200


def test_the_test_families_stay_when_validation_is_asked_for():
    plain = load_kana(seed=0, by="family")
    chosen = load_kana(seed=0, by="family", validation=0.2)
    assert torch.equal(plain.test.images, chosen.test.images)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=60), st.integers(0, 9))
def test_split_groups_is_a_partition_by_groups(groups, seed):
    tensor = torch.tensor(groups)
    parts = split_groups(tensor, (0.3, 0.2, 0.5), seed)
    assert sorted(torch.cat(parts).tolist()) == list(range(len(groups)))
    sides = [set(tensor[part].tolist()) for part in parts]
    assert sum(len(side) for side in sides) == len(set(groups))
    assert len(parts[0]) >= 0.3 * len(groups)


def test_errors_name_argument_and_value(tmp_path):
    with pytest.raises(ValueError, match="by is 'font'"):
        load_kana(seed=0, by="font")
    with pytest.raises(ValueError, match="a source has no font families"):
        load_kana(seed=0, by="family", source=tmp_path)

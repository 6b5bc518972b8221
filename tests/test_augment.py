"""Augmentation on a batch, compared with torchvision's, image by image; and mini-batches."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as tv

from definebyrun.data.augment import affine, random_affine
from definebyrun.data.batches import batches
from definebyrun.data.split import Examples


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@settings(max_examples=60, deadline=None)
@given(
    angle=st.floats(-180, 180),
    scale=st.floats(0.4, 2.5),
    right=st.integers(-20, 20),
    down=st.integers(-20, 20),
    sides=st.tuples(st.integers(2, 40), st.integers(2, 40)),
)
def test_affine_agrees_with_torchvision(angle, scale, right, down, sides):
    """Any parameters, any sides, square or not (torchvision shifts by whole pixels)."""
    images = torch.rand(2, 3, *sides, generator=seeded(), dtype=torch.float64)
    ours = affine(
        images,
        torch.full((2,), angle, dtype=torch.float64),
        torch.full((2,), scale, dtype=torch.float64),
        torch.tensor([[right, down]] * 2, dtype=torch.float64),
    )
    theirs = tv.affine(
        images,
        angle=angle,
        translate=[right, down],
        scale=scale,
        shear=[0.0, 0.0],
        interpolation=InterpolationMode.BILINEAR,
    )
    # torchvision computes its grid in float32, and a point that rounding puts on the other side
    # of the border is read as outside: so compare away from the steps.
    assert torch.quantile((ours - theirs).abs(), 0.9) < 1e-3


def test_affine_agrees_with_torchvision_on_smooth_images_to_rounding():
    """Images that fade to zero at the border have no steps: here every pixel must agree."""
    line = torch.linspace(-1, 1, 48)
    bump = torch.exp(-8 * ((line[:, None] - 0.1) ** 2 + (line + 0.2) ** 2))[None, None]
    for angle, scale, shift in ((60.0, 0.8, [3, -2]), (-17.0, 1.1, [0, 5]), (90.0, 1.0, [0, 0])):
        ours = affine(
            bump, torch.tensor([angle]), torch.tensor([scale]), torch.tensor([shift]).float()
        )
        theirs = tv.affine(
            bump, angle, shift, scale, [0.0, 0.0], interpolation=InterpolationMode.BILINEAR
        )
        torch.testing.assert_close(ours, theirs, atol=2e-5, rtol=0)


def test_each_image_gets_its_own_parameters():
    images = torch.rand(2, 1, 8, 8, generator=seeded())
    moved = affine(images, torch.tensor([0.0, 180.0]), torch.ones(2), torch.zeros(2, 2))
    torch.testing.assert_close(moved[0], images[0])
    torch.testing.assert_close(moved[1], images[1].flip(1, 2), atol=1e-5, rtol=0)


def test_shift_is_in_pixels_right_and_down():
    images = torch.rand(1, 1, 6, 9, generator=seeded())
    moved = affine(images, torch.zeros(1), torch.ones(1), torch.tensor([[2.0, 1.0]]))
    torch.testing.assert_close(moved[..., 1:, 2:], images[..., :-1, :-2], atol=1e-5, rtol=0)
    assert moved[..., 0, :].abs().max() < 1e-5  # what comes in is paper


def test_positive_angle_is_clockwise():
    images = torch.zeros(1, 1, 9, 9)
    images[0, 0, 0, 4] = 1.0  # on top
    moved = affine(images, torch.tensor([90.0]), torch.ones(1), torch.zeros(1, 2))
    assert moved[0, 0, 4, 8] > 0.99  # on the right


def test_random_affine_stays_within_its_limits():
    """A dot right of the centre, read back: its angle and distance must keep to the limits."""
    images = torch.zeros(400, 1, 65, 65)
    images[:, :, 32, 52] = 1.0  # 20 pixels right of the centre
    moved = random_affine(images, degrees=60, scale=(0.8, 1.1), generator=seeded())
    line = torch.arange(65.0) - 32
    mass = moved.sum((1, 2, 3))
    x = (moved.sum((1, 2)) * line).sum(1) / mass
    y = (moved.sum((1, 3)) * line).sum(1) / mass
    angle, reach = torch.rad2deg(torch.atan2(y, x)), torch.hypot(x, y)
    assert angle.abs().max() < 62
    assert angle.max() > 55
    assert angle.min() < -55
    assert 15 < reach.min() < 17
    assert 21 < reach.max() < 23


def test_random_affine_is_seeded_and_zero_limits_change_nothing():
    images = torch.rand(5, 1, 12, 12, generator=seeded())
    one = random_affine(images, degrees=30, shift=0.1, generator=seeded(1))
    assert torch.equal(one, random_affine(images, degrees=30, shift=0.1, generator=seeded(1)))
    assert not torch.equal(one, random_affine(images, degrees=30, shift=0.1, generator=seeded(2)))
    still = random_affine(images, degrees=0, generator=seeded())
    torch.testing.assert_close(still, images, atol=1e-5, rtol=0)


def test_gradient_flows_through_affine():
    images = torch.rand(2, 1, 5, 5, generator=seeded(), dtype=torch.float64, requires_grad=True)
    angle = torch.tensor([20.0, -70.0], dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda x: affine(x, angle, angle.abs() / 40, torch.zeros(2, 2)), (images,)
    )


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_gives_what_the_cpu_gives():
    images = torch.rand(8, 1, 48, 48, generator=seeded())
    options = {"degrees": 60, "scale": (0.8, 1.1), "shift": 0.1}
    ours = random_affine(images.cuda(), **options, generator=seeded(3)).cpu()
    torch.testing.assert_close(
        ours, random_affine(images, **options, generator=seeded(3)), atol=1e-4, rtol=0
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"degrees": -1}, "degrees is -1"),
        ({"degrees": 0, "shift": -0.1}, "shift -0.1"),
        ({"degrees": 0, "scale": (1.1, 0.8)}, r"scale is \(1.1, 0.8\)"),
        ({"degrees": 0, "scale": (0, 1)}, r"scale is \(0, 1\)"),
    ],
)
def test_random_affine_refuses_impossible_limits(options, message):
    with pytest.raises(ValueError, match=message):
        random_affine(torch.zeros(1, 1, 4, 4), **options, generator=seeded())


def test_affine_refuses_one_angle_for_many_images():
    with pytest.raises(ValueError, match=r"angle has shape \(1,\); expected \(3,\) for 3 images"):
        affine(torch.zeros(3, 1, 4, 4), torch.zeros(1), torch.ones(3), torch.zeros(3, 2))


def numbered(count):
    return Examples(torch.arange(float(count)).view(-1, 1, 1, 1), torch.arange(count))


@given(st.integers(1, 40), st.integers(1, 50))
def test_every_example_comes_once_and_keeps_its_label(count, size):
    for generator in (None, seeded()):
        pieces = list(batches(numbered(count), size, generator=generator))
        labels = torch.cat([piece.labels for piece in pieces])
        assert torch.equal(labels.sort().values, torch.arange(count))
        assert torch.equal(torch.cat([p.images for p in pieces]).flatten(), labels.float())
        assert [len(p.labels) for p in pieces[:-1]] == [size] * (len(pieces) - 1)


def test_shuffled_only_with_a_generator_and_anew_each_epoch():
    def labels(**options):
        return torch.cat([b.labels for b in batches(numbered(50), 7, **options)]).tolist()

    assert labels() == list(range(50))
    generator = seeded()
    first, second = labels(generator=generator), labels(generator=generator)
    assert first != second
    assert first == labels(generator=seeded())


def test_batches_refuses_size_zero():
    with pytest.raises(ValueError, match="size is 0"):
        list(batches(numbered(3), 0))

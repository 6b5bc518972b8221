"""Image files of every kind, whole and damaged: what is read is right, what is not is named."""

import io
import os
import random
import struct
import time
import zlib

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from definebyrun.data.folder import read_folder
from definebyrun.data.image import FORMATS, open_character, open_image, read_grey
from definebyrun.data.names import SIZE

FUZZ = int(os.environ.get("FUZZ", "5000"))  # mutated files in a run; more by hand: FUZZ=30000


def page(size=(64, 64)):
    """A light page with a mark in its upper left corner: an L, other than each of its turns."""
    pixels = np.full(size, 230, dtype=np.uint8)
    height, width = size
    pixels[height // 8 : height // 2, width // 8 : width // 4] = 20
    pixels[height * 3 // 8 : height // 2, width // 8 : width * 3 // 4] = 20
    return pixels


def encode(image, form="PNG", **options):
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def chunk(kind, content):
    check = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", check)


def blank_png(width, height):
    """A valid PNG, black, of any size: a few bytes for each row. The format: www.w3.org/TR/png."""
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    packer = zlib.compressobj(9)
    rows = [packer.compress(bytes(1 + (width + 7) // 8)) for _ in range(height)]
    body = b"".join([*rows, packer.flush()])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("width", "height"), [(30_000, 30_000), (9_000, 9_000), (40_000, 8)])
def test_a_huge_image_is_refused_before_it_is_decoded(tmp_path, width, height):
    file = tmp_path / "huge.png"
    file.write_bytes(blank_png(width, height))
    start = time.process_time()
    with pytest.raises(ValueError, match=r"huge\.png' cannot be read as an image: .*(pixels)"):
        open_image(file)
    assert time.process_time() - start < 0.5


def test_a_photograph_of_fifty_megapixels_is_read(tmp_path):
    """A JPEG, as phones write it, is decoded smaller: quickly, and in little memory."""
    large = Image.fromarray(page()).resize((8192, 6144), Image.Resampling.NEAREST).convert("RGB")
    file = tmp_path / "photograph.jpg"
    large.save(file, quality=50)
    start = time.process_time()
    ink = open_image(file)
    assert time.process_time() - start < 5
    assert np.abs(ink.astype(int) - open_image(encode(Image.fromarray(page())))).mean() < 3


def test_what_is_no_regular_file_is_refused_and_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "dangling.png").symlink_to("nowhere")
    for name in ("pipe", "folder", "dangling", "missing"):
        with pytest.raises(
            ValueError, match=rf"{name}\.png' cannot be read: it is no regular file"
        ):
            open_image(tmp_path / f"{name}.png")


def test_a_swollen_file_is_refused_unread(tmp_path):
    file = tmp_path / "swollen.webp"
    with file.open("wb") as stream:
        stream.truncate(2**40)  # a terabyte of nothing, which takes no room
    with pytest.raises(ValueError, match=r"swollen\.webp' cannot be read: it has 1,099,5"):
        open_image(file)


TURNED = {  # what a camera stores for each EXIF orientation, so that it comes out upright
    1: lambda upright: upright,
    2: np.fliplr,
    3: lambda upright: np.rot90(upright, 2),
    4: np.flipud,
    5: np.transpose,
    6: lambda upright: np.rot90(upright, 1),
    7: lambda upright: np.rot90(upright.T, 2),
    8: lambda upright: np.rot90(upright, -1),
}


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_every_orientation_comes_out_upright(form):
    upright = page((60, 90))
    for orientation, turn in TURNED.items():
        exif = Image.Exif()
        exif[0x0112] = orientation
        stored = Image.fromarray(np.ascontiguousarray(turn(upright))).convert("RGB")
        grey = read_grey(encode(stored, form, exif=exif))
        assert grey.shape == (60, 90), orientation
        assert np.abs(grey.astype(int) - upright).mean() < 3, orientation


def test_a_folder_of_photographs_taken_any_way_round_loads_upright(tmp_path):
    """Twelve megapixels each, as phones take them; the marks of all eight fall together."""
    upright = Image.fromarray(page((300, 400))).resize((4000, 3000), Image.Resampling.NEAREST)
    (tmp_path / "L").mkdir()
    for orientation, turn in TURNED.items():
        exif = Image.Exif()
        exif[0x0112] = orientation
        stored = Image.fromarray(np.ascontiguousarray(turn(np.asarray(upright)))).convert("RGB")
        stored.save(tmp_path / "L" / f"{orientation}.jpg", exif=exif, quality=60)
    (images, _), names = read_folder(tmp_path)
    assert names == ("L",)
    assert len(images) == 8
    for image in images:
        assert (image.float() - images[0].float()).abs().mean() < 4
    assert images[0, 0, 10:20, 7:11].float().mean() > 240  # the stem, in the upper left corner
    assert images[0, 0, 30:].max() < 20


def deep_images():
    """The same page in 16 bits, 32 bits and floats, in every way that files keep them."""
    pixels = page()
    yield "16", Image.fromarray(pixels.astype(np.uint16) * 257), "PNG"
    yield "16 of a camera's 12", Image.fromarray(pixels.astype(np.uint16) * 16), "PNG"
    yield "16 as TIFF", Image.fromarray(pixels.astype(np.uint16) * 257), "TIFF"
    yield "32", Image.fromarray(pixels.astype(np.int32) * 65793), "TIFF"
    yield "float to 1", Image.fromarray(pixels.astype(np.float32) / 255), "TIFF"
    yield "float to 255", Image.fromarray(pixels.astype(np.float32)), "TIFF"
    yield "float a little above 1", Image.fromarray(pixels.astype(np.float32) / 220), "TIFF"


@pytest.mark.parametrize(("image", "form"), [pytest.param(i, f, id=n) for n, i, f in deep_images()])
def test_deep_images_look_as_their_eight_bit_twin(image, form):
    twin = open_image(encode(Image.fromarray(page())))
    assert np.abs(open_image(encode(image, form)).astype(int) - twin).max() <= 1


def test_numbers_that_are_none_are_refused():
    pixels = page().astype(np.float32)
    pixels[0, 0] = np.nan
    with pytest.raises(
        ValueError, match="'scan' cannot be read as an image: not all of its pixels"
    ):
        open_image(encode(Image.fromarray(pixels), "TIFF"), "scan")


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA", "1", "P", "CMYK"])
@pytest.mark.parametrize("form", ["PNG", "TIFF", "GIF", "BMP", "WEBP", "JPEG"])
def test_every_colour_mode_of_every_format_looks_alike(mode, form):
    black_and_white = Image.fromarray(np.where(page() > 100, 255, 0).astype(np.uint8))
    image = black_and_white.convert("RGB").convert(mode)
    try:
        content = encode(image, form)
    except (OSError, ValueError):
        pytest.skip(f"{form} has no mode {mode}")
    twin = open_image(encode(black_and_white))
    assert np.abs(open_image(content).astype(int) - twin).mean() < 3


def test_what_is_transparent_is_paper():
    pixels = np.zeros((64, 64, 4), dtype=np.uint8)  # black, but for its mark wholly transparent
    pixels[..., 3] = np.where(page() < 100, 255, 0)
    for image in (Image.fromarray(pixels), Image.fromarray(pixels[..., 2:])):
        assert (open_image(encode(image)) == open_image(encode(Image.fromarray(page())))).all()


@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG", "TIFF"])
def test_of_an_animation_the_first_frame_is_taken(form):
    frames = [Image.fromarray(page()), Image.fromarray(page()[:, ::-1].copy())]
    content = encode(frames[0], form, save_all=True, append_images=frames[1:])
    twin = open_image(encode(frames[0]))
    assert np.abs(open_image(content).astype(int) - twin).mean() < 3


@pytest.mark.parametrize("level", [0, 128, 255])
def test_an_image_without_ink_is_reported(tmp_path, level):
    file = tmp_path / "blank.png"
    Image.new("L", (64, 64), level).save(file)
    with pytest.raises(ValueError, match=r"blank\.png' shows no ink"):
        open_image(file)
    with pytest.raises(ValueError, match="'entry' shows no ink"):
        open_image(file.read_bytes(), "entry")


def test_a_single_thin_stroke_is_ink():
    pixels = np.full((480, 480), 230, dtype=np.uint8)
    pixels[200:206, 100:300] = 20
    assert open_image(encode(Image.fromarray(pixels))).max() > 100


def test_a_file_of_another_kind_is_named_with_the_kinds_that_can_be_read():
    postscript = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 48 48\n"  # would start a program
    for content in (b"", b"hello", b"\x00\x00\x00\x18ftypheic", postscript):
        with pytest.raises(ValueError, match=r"'entry' cannot .* none of PNG, JPEG, BMP, GIF,"):
            open_image(content, "entry")


def seeds():
    """Small files of every format, with what their decoders branch on: depth, palette, EXIF."""
    grey, colour = Image.fromarray(page()), Image.fromarray(page()).convert("RGB")
    exif = Image.Exif()
    exif[0x0112] = 6
    files = [encode(image, form, exif=exif) for image in (grey, colour) for form in FORMATS[:2]]
    files += [encode(colour, form) for form in FORMATS]
    files += [encode(image, form) for _, image, form in deep_images()]
    files += [encode(colour.convert(mode)) for mode in ("1", "P", "RGBA", "LA")]
    files += [encode(grey, "TIFF", compression=c) for c in ("tiff_lzw", "tiff_deflate", "packbits")]
    files += [encode(colour.convert("CMYK"), "JPEG"), encode(colour, "JPEG", progressive=True)]
    frames = {"save_all": True, "append_images": [colour.rotate(90)]}
    return files + [encode(colour, form, **frames) for form in ("GIF", "WEBP", "PNG")]


def mutate(content, rng):
    """Damage a file as disks, cables and ill will do: flipped, lost, doubled and foreign bytes."""
    damaged = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 8))):
        at = rng.randrange(len(damaged) + 1)
        kind = rng.randrange(6)
        if kind == 0:
            del damaged[at:]
        elif kind == 1:
            del damaged[at : at + rng.randrange(1, 20)]
        elif kind == 2:
            damaged[at:at] = damaged[: rng.randrange(40)]
        elif kind == 3:
            damaged[at : at + 4] = struct.pack(">I", rng.choice((0, 1, 2**16, 2**31, 2**32 - 1)))
        else:
            damaged[at : at + 1] = bytes([rng.randrange(256)])
    return bytes(damaged)


def test_thousands_of_damaged_files_end_in_an_image_or_an_error_that_names_them():
    rng = random.Random(0)
    files = seeds()
    read = 0
    for number in range(FUZZ):
        content = mutate(rng.choice(files), rng)
        try:
            ink = open_image(content, f"file {number}")
        except ValueError as error:
            named = str(error).startswith(f"'file {number}' ")
            ink = None
        if ink is None:
            assert named
        else:
            assert (ink.shape, ink.dtype) == ((SIZE, SIZE), np.uint8)
            read += 1
    assert FUZZ / 20 < read < FUZZ  # the damage is neither always fatal nor never


def test_reading_leaves_the_generators_alone(tmp_path):
    state = torch.get_rng_state()
    open_image(encode(Image.fromarray(page())))
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("size", [(48, 48), (300, 120), (64, 500)])
def test_a_character_is_found_wherever_it_stands_and_however_it_is_inked(dark, size, tmp_path):
    """A reader's photograph is no training image: any size, any place, either way round."""
    paper, ink = ((20, 20, 60), (250, 240, 90)) if dark else ((240, 235, 220), (60, 0, 0))
    picture = Image.new("RGB", size, paper)
    ImageDraw.Draw(picture).rectangle((5, 6, 25, 45), fill=ink)
    picture.save(tmp_path / "a.png")
    found = open_character(tmp_path / "a.png")
    rows, columns = (found > 127).any(axis=1).nonzero()[0], (found > 127).any(axis=0).nonzero()[0]
    assert found.shape == (48, 48)
    assert rows[0] + rows[-1] == pytest.approx(47, abs=2)
    assert columns[0] + columns[-1] == pytest.approx(47, abs=2)
    assert len(rows) == pytest.approx(0.9 * 48, abs=2)
    assert len(columns) == pytest.approx(0.9 * 48 * 21 / 40, abs=2)


def test_a_picture_of_one_colour_shows_no_character(tmp_path):
    Image.new("RGB", (30, 30), "red").save(tmp_path / "red.png")
    with pytest.raises(ValueError, match=r"red\.png' shows no character"):
        open_character(tmp_path / "red.png")

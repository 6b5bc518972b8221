"""Data: embedded kana, real print, the library's scans, your own folder, digits; augmentation."""

from definebyrun.data.augment import affine, random_affine
from definebyrun.data.batches import batches
from definebyrun.data.digits import digits_source, load_digits
from definebyrun.data.families import read_families
from definebyrun.data.kana import load_kana
from definebyrun.data.names import NAMES, ROMAJI
from definebyrun.data.real import read_real
from definebyrun.data.scans import scans_source
from definebyrun.data.split import Examples, ImageData

__all__ = [
    "NAMES",
    "ROMAJI",
    "Examples",
    "ImageData",
    "affine",
    "batches",
    "digits_source",
    "load_digits",
    "load_kana",
    "random_affine",
    "read_families",
    "read_real",
    "scans_source",
]

"""Data: the embedded kana, the library's scans, your own folder, digits; augmentation, batches."""

from definebyrun.data.kana import NAMES, ROMAJI, load_kana
from definebyrun.data.split import Examples, ImageData

__all__ = ["NAMES", "ROMAJI", "Examples", "ImageData", "load_kana"]

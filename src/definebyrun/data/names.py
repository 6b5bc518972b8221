"""The 46 characters of the book, what they are called, and how large an image of one is."""

NAMES = tuple(
    "あいうえおかきくけこさしすせそたちつてとなにぬねのはひふへほまみむめもやゆよらりるれろわをん"
)
ROMAJI = (
    *("a", "i", "u", "e", "o", "ka", "ki", "ku", "ke", "ko", "sa", "shi", "su", "se", "so"),
    *("ta", "chi", "tsu", "te", "to"),  # codespell:ignore te
    *("na", "ni", "nu", "ne", "no", "ha", "hi", "fu", "he", "ho"),
    *("ma", "mi", "mu", "me", "mo", "ya", "yu", "yo", "ra", "ri", "ru", "re", "ro"),
    *("wa", "wo", "n"),
)
SIZE = 48

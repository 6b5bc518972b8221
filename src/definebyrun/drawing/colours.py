"""The colours of the book's figures, light and dark.

Figures are drawn once, in the light colours of :data:`LIGHT`. The build of the book makes the
dark version by exchanging each of these colours for its partner in :data:`DARK`, so a figure that
takes its colours from here is legible in both. The colours keep apart for colour-blind readers
(after Okabe and Ito, 2008), with a contrast of at least 3 against their paper.
"""

LIGHT = {
    "ink": "#1b1f24",
    "paper": "#fffffe",
    "faint": "#c9ced6",
    "blue": "#0072b2",
    "orange": "#c75300",
    "green": "#00795a",
    "pink": "#b0428a",
    "olive": "#7d6400",
    "grey": "#6b7280",
}
DARK = {
    "ink": "#e6e8eb",
    "paper": "#121212",
    "faint": "#3d444d",
    "blue": "#56b4e9",
    "orange": "#ff9142",
    "green": "#2fcfa0",
    "pink": "#f08fcd",
    "olive": "#e6c229",
    "grey": "#a3abb8",
}

"""The font family of each embedded kana, and which families are near twins."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

FAMILIES_FILE = Path(__file__).with_name("kana-families.npz")
# Drawn after the same skeleton: the nearest image in another family lies in the twin far more
# often than in any other. Held out one without the other, a family is not held out.
TWINS = {
    "kaisei-decol": "kaisei-opti",
    "shippori-mincho-b1": "shippori-mincho",
    "zen-antique-soft": "zen-antique",
}


class Families(NamedTuple):
    """The font family of each embedded image.

    Attributes:
        of: int64, shape (9200,): for each image, in the order of
            :func:`definebyrun.data.kana.read_embedded`, the place of its family in ``names``.
        names: the families, sorted.
    """

    of: Tensor
    names: tuple[str, ...]

    @property
    def kin(self) -> Tensor:
        """The same as ``of``, twins counted as one: int64, shape (9200,)."""
        one = [self.names.index(TWINS.get(name, name)) for name in self.names]
        return torch.tensor(one)[self.of]


def read_families() -> Families:
    """Read which font family each embedded image was drawn from."""
    with np.load(FAMILIES_FILE) as file:
        of = torch.from_numpy(file["of"].astype(np.int64)).flatten()
        return Families(of, tuple(file["names"].tolist()))

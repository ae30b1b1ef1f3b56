"""An encoder without attention: a vector for each token, whatever stands around it.

Source: Tulkens and van Dongen 2024, model2vec (github.com/MinishLab/model2vec).
"""

import dataclasses
import sys
from typing import Any

from jaxtyping import Array, Bool, Float, Int


@dataclasses.dataclass(frozen=True)
class StaticEmbedding:
    """A table of tokens' vectors, which is called as a Bert is.

    Attributes:
        vocabulary: Number of tokens.
        width: D, of a token's vector.
    """

    vocabulary: int
    width: int
    layers: int = 0
    longest: int = sys.maxsize

    def apply(
        self, variables: Any, ids: Int[Array, "B T"], mask: Bool[Array, "B T"]
    ) -> Float[Array, "1 B T D"]:
        """The tokens' vectors as the only hidden states.

        Args:
            variables: {"params": {"embeddings": {"word": [vocabulary, D]}}}.
            ids: Of tokens.
            mask: True for a token; is not looked at.
        """
        return variables["params"]["embeddings"]["word"][ids][None]

"""A network as two pure functions, init and apply."""

from collections.abc import Callable
from typing import Any, NamedTuple


class Model(NamedTuple):
    """A network as two pure functions.

    Attributes:
        init: key -> variables {"params": what training moves, "state": running statistics such as
            those of batch norm, {} where there are none}.
        apply: (variables, inputs [B, …], train=False, key=None) -> ((logits [B, C], features),
            state): features is a dict of named arrays, state what the running statistics are after
            this batch, as they were unless train=True; `key` is needed where train=True draws
            dropout.
        network: The Flax module that they are of, or None.
        for_inputs: Where `init` cannot run before it knows the inputs: a function of them (see
            `inputs.Inputs`) that gives the Model whose `init` can; else None.
        plain: `apply` without the features, where a converter has no form for how they are found;
            else None.
    """

    init: Callable
    apply: Callable
    network: Any = None
    for_inputs: Callable | None = None
    plain: Callable | None = None

    def logits(self, variables: Any, inputs: Any) -> Any:
        """The logits [B, C] of trained variables alone."""
        (found, _), _ = (self.plain or self.apply)(variables, inputs)
        return found

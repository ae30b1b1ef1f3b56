"""A progress bar for long work: what is done, the last loss, the time left."""

import contextlib
import sys
from collections.abc import Callable, Iterator

import numpy as np
from tqdm import tqdm

from kd_jax.runtime import hosts, parallel
from kd_jax.runtime.tensorboard import Events


@contextlib.contextmanager
def bar(
    label: str,
    total: int,
    unit: str = "epoch",
    events: Events | None = None,
    delay: float = 0,
) -> Iterator[Callable]:
    """A bar over epochs or other units.

    On a terminal it is redrawn in place; into a log it writes a line every ten seconds.

    Args:
        label: in front of it.
        total: units in all.
        unit: what they are called.
        events: where the curves are written too.
        delay: seconds before it shows: of work that mostly takes less.

    Yields:
        `report`, which the work calls after each chunk: report(done) when so many are done, perhaps
        with a fraction; report(done, curves) to show the loss of the last epoch too.
    """
    live = sys.stderr.isatty()
    layout = "{desc:<28} {bar:24} {unit} {n_fmt}/{total_fmt} {postfix} {elapsed} < {remaining}"
    with tqdm(
        total=total,
        unit=unit,
        desc=label,
        bar_format=layout,
        mininterval=0.1 if live else 10,
        delay=delay,
        ascii=not live,
        disable=not hosts.first_host(),
    ) as drawn:
        written = 0

        def report(done, curves=None):
            nonlocal written
            if curves:
                if events:
                    events.of_training(label, curves, written, done)
                written = done
                loss = np.asarray(curves["loss"])[done - 1]
                drawn.set_postfix_str(f"loss {np.mean(loss):.4f}", refresh=False)
            drawn.n = int(done) if int(done) == done else round(done, 1)
            drawn.update(0)
            parallel.check()

        yield report

"""A progress bar for long work: what is done, the last loss, the time left."""

import contextlib
import re
import shutil
import sys
from collections.abc import Callable, Iterator

import numpy as np
from tqdm import tqdm

from kd_jax.runtime import hosts, parallel
from kd_jax.runtime.events import Events

WIDEST = 100  # columns of a bar
RIGHT = 52  # columns of what stands behind the label
TIMES = "{unit} {n_fmt}/{total_fmt}{postfix}  {elapsed} < {remaining}"
IN_PLACE = "{desc:<LABEL.LABEL} {bar} " + TIMES
LINE = "{desc}: " + TIMES
MOVES = re.compile(r"\x1b\[A|[\r\n]")  # of a cursor, to where a bar was drawn before


class Lines:
    """A stream for a bar that is no terminal: each state is a line of its own.

    Args:
        stream: Where the lines go.
    """

    def __init__(self, stream):
        self.stream, self.last = stream, ""

    def write(self, text: str) -> None:
        """Write a state, once."""
        text = MOVES.sub("", text).strip()
        if text and text != self.last:
            self.last = text
            self.stream.write(f"{text}\n")

    def flush(self) -> None:
        """Let the stream write what it holds."""
        self.stream.flush()


@contextlib.contextmanager
def bar(
    label: str,
    total: int,
    unit: str = "epoch",
    events: Events | None = None,
    delay: float = 0,
    each: int = 1,
) -> Iterator[Callable]:
    """A bar over epochs or other units.

    On a terminal it is redrawn in place, elapsed and remaining time at any width; into a log it
    writes a line of its own every ten seconds.

    Args:
        label: in front of it.
        total: units in all.
        unit: what they are called.
        events: where the curves are written too.
        delay: seconds before it shows: of work that mostly takes less.
        each: how many the bar counts for a unit: the steps of an epoch, say.

    Yields:
        `report`, which the work calls after each chunk: report(done) when so many are done, perhaps
        with a fraction; report(done, curves) to show the loss of the last epoch too.
    """
    live = sys.stderr.isatty()
    columns = min(shutil.get_terminal_size().columns, WIDEST)
    with tqdm(
        total=total * each,
        unit=unit,
        desc=label,
        file=sys.stderr if live else Lines(sys.stderr),
        ncols=columns if live else None,
        bar_format=IN_PLACE.replace("LABEL", str(max(columns - RIGHT, 12))) if live else LINE,
        postfix="compiling" if unit in ("epoch", "step") else None,  # until the first are done
        mininterval=0.1 if live else 10,
        delay=delay,
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
            elif done and not written:
                drawn.set_postfix_str("", refresh=False)
            count = done * each
            drawn.n = int(count) if int(count) == count else round(count, 1)
            drawn.update(0)
            parallel.check()

        yield report

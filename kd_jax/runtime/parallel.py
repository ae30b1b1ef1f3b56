"""Independent trainings in parallel threads: a program of small networks keeps one core busy.

Jobs run in threads, as JAX computes without Python's lock. An interrupted command stops each of
them at the end of its chunk, where `progress.bar` asks.
"""

import concurrent.futures
import functools
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from kd_jax.runtime import hosts

T = TypeVar("T")
_stopping = threading.Event()


class Stopped(Exception):
    """Raised in a job whose command was interrupted."""


def check() -> None:
    """Ask whether to go on.

    Raises:
        Stopped: the command was interrupted.
    """
    if _stopping.is_set():
        raise Stopped


def results(job: Callable[[Any], Any], items: Iterable[Any], workers: int) -> Iterator[Any]:
    """Run a job for every item, several at a time, in threads.

    Args:
        job: of one item. An exception in a job, or in the loop that takes the results, stops the
            others and is raised.
        items: what there is to do.
        workers: jobs at a time; one where there are several processes, which must all run them in
            one order.

    Yields:
        job(item) of every item, as they finish.
    """
    with concurrent.futures.ThreadPoolExecutor(1 if hosts.one_at_a_time() else workers) as pool:
        running = [pool.submit(job, item) for item in items]
        try:
            for done in concurrent.futures.as_completed(running):
                yield done.result()
        except BaseException:
            _stopping.set()
            pool.shutdown(cancel_futures=True)
            _stopping.clear()
            raise


def once(make: Callable[[], T]) -> Callable[[], T]:
    """A function whose first call, in whichever thread, makes what every call gives.

    Args:
        make: what several jobs need, like a teacher; others wait while one makes it. Where it
            fails, the next call tries again.
    """
    lock, made = threading.Lock(), functools.cache(make)

    def found():
        with lock:
            return made()

    return found

"""Threads of one run that save and load networks at the same time do not disturb each other."""

import concurrent.futures
import threading

import numpy as np

from kd_jax.storage import checkpoint

SAVES = 12  # of which the old code lost files in one of three runs
TREE = {"kernel": np.ones((50, 50), np.float32), "bias": np.zeros(7, np.float32)}


def test_one_thread_saves_while_others_load(tmp_path):
    checkpoint.save(tmp_path / "known", TREE, {"number": -1})
    over = threading.Event()

    def save():
        try:
            for number in range(SAVES):
                checkpoint.save(tmp_path / f"{number}" / "params", TREE, {"number": number})
        finally:
            over.set()

    def load():
        found = []
        while not over.is_set():
            found.append(checkpoint.load(tmp_path / "known", TREE)[1]["number"])
        return found

    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        saving, *loading = [pool.submit(work) for work in (save, load, load)]
        saving.result()
        loaded = [x for each in loading for x in each.result()]
    assert loaded and set(loaded) == {-1}
    for number in range(SAVES):
        tree, facts = checkpoint.load(tmp_path / f"{number}" / "params", TREE)
        assert facts == {"number": number}
        np.testing.assert_array_equal(tree["kernel"], TREE["kernel"])

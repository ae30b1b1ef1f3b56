"""Modules are read by threads that train side by side, one at a time."""

import ast
import concurrent.futures
import pathlib
import time

from kd_jax.fingerprint import _source

TESTS = pathlib.Path(__file__).parents[1]


def test_threads_parse_one_after_the_other(monkeypatch):
    """Python before 3.13 counts how deep a tree is for all threads together, and ends in errors."""
    inside, most, real = [], [], ast.parse

    def parse(text):
        inside.append(text)
        most.append(len(inside))
        time.sleep(0.01)  # others would come in
        inside.pop()
        return real(text)

    with monkeypatch.context() as patched:
        patched.setattr(ast, "parse", parse)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            readers = [_source.Reader(TESTS) for _ in range(8)]
            list(pool.map(lambda reader: reader.tree("fingerprint.test_source"), readers))
    assert most == [1] * 8

"""What several jobs need is made by one of them."""

import threading

import pytest

from kd_jax.runtime import parallel


def test_what_two_jobs_need_is_made_once():
    calls, meeting = [], threading.Barrier(2, timeout=30)

    def make():
        calls.append(threading.get_ident())
        return object()

    once = parallel.once(make)
    found = list(parallel.results(lambda item: (meeting.wait(), once())[1], [1, 2], workers=2))
    assert found[0] is found[1] is once() and len(calls) == 1


def test_a_failure_is_tried_again():
    results = iter([ZeroDivisionError, 5])

    def make():
        if (found := next(results)) is ZeroDivisionError:
            raise found
        return found

    once = parallel.once(make)
    with pytest.raises(ZeroDivisionError):
        once()
    assert once() == once() == 5

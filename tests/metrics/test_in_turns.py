"""What takes turns is timed in turns, by a clock of the test's own."""

from kd_jax.metrics import cost


def test_the_median_of_turns_counts_and_the_first_call_does_not(monkeypatch):
    """Of turns that take 9, 2 and 3 seconds the median is 3; of 1, 8 and 1 it is 1."""
    now, calls = [0.0], []
    taken = {"one": iter([100.0, 9.0, 2.0, 3.0]), "other": iter([100.0, 1.0, 8.0, 1.0])}

    def work(name):
        def call():
            calls.append(name)
            now[0] += next(taken[name])

        return call

    monkeypatch.setattr(cost.time, "perf_counter", lambda: now[0])
    assert cost.in_turns([work("one"), work("other")], 3) == [3.0, 1.0]
    assert calls == ["one", "other"] * 4

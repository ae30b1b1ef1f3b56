"""Programs are compiled once for a loss, its settings and like shapes, and go with the loss."""

import gc
import weakref

import jax
import numpy as np
import optax
import pytest
from small_training import DATA, EPOCHS, NUMBERS, OPTIMIZER, ORDER, init, loss_fn, whole

from kd_jax.runtime.execution import Execution
from kd_jax.training import loop, programs
from kd_jax.training import state as train_state


@pytest.fixture
def compiled(monkeypatch):
    """The losses whose programs were compiled, in turn."""
    found, once = [], programs.compiled

    class Counted:
        def __init__(self, owner, jitted):
            self.owner, self.jitted = owner, jitted

        def lower(self, *arguments):
            found.append(self.owner)
            return self.jitted.lower(*arguments)

    def spy(owner, known, jitted, *arguments):
        return once(owner, known, Counted(owner, jitted), *arguments)

    monkeypatch.setattr(programs, "compiled", spy)
    return found


def a_loss():
    """A loss of its own, which nothing else trains."""
    return lambda params, batch, key: loss_fn(params, batch, key)


def train(loss, optimizer=OPTIMIZER, **more):
    state = train_state.members(init, optimizer, jax.random.split(jax.random.key(0), 3), 2)
    return loop.fit(loss, optimizer, state, DATA, ORDER, epochs=EPOCHS, numbers=NUMBERS, **more)


def test_equal_trainings_are_one_program(compiled):
    loss = a_loss()
    (_, first), (_, again) = train(loss), train(loss)
    assert compiled == [loss]
    np.testing.assert_array_equal(first["loss"], again["loss"])
    np.testing.assert_allclose(first["loss"], whole()[1]["loss"], rtol=1e-6)


def test_another_loss_optimizer_or_option_is_another_program(compiled):
    loss = a_loss()
    train(loss)
    train(loss, optax.sgd(0.1))
    train(loss, optax.sgd(0.1), execution=Execution(fast_compile=True))
    train(a_loss())
    with jax.default_matmul_precision("float32"):
        train(loss)
    assert len(compiled) == 5


def test_chunks_of_like_shapes_are_one_program(compiled):
    train(a_loss(), execution=Execution(members_per_chunk=2))  # three chunks of a seed each
    assert len(compiled) == 1


def test_a_loss_that_cannot_be_told_from_others_is_compiled_each_time(compiled):
    class Unhashable:
        __hash__ = None
        __call__ = staticmethod(loss_fn)

    loss = Unhashable()
    (_, first), (_, again) = train(loss), train(loss)
    assert compiled == [loss, loss]
    np.testing.assert_array_equal(first["loss"], again["loss"])


def test_a_program_is_forgotten_with_its_loss():
    gc.freeze()  # what is there already need not be looked through
    loss = a_loss()
    train(loss)
    assert loss in programs._kept
    gone = weakref.ref(loss)
    del loss
    gc.collect()
    gc.unfreeze()
    assert gone() is None

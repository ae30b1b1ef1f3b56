"""The networks of generalist, specialists and students, and how many parameters they have."""

import functools
import itertools

from experiments.specialists.config import Config
from kd_jax import models
from kd_jax.data import Dataset
from kd_jax.distill import teachers
from kd_jax.training import keys, samplers


@functools.cache
def network(width: int, classes: int, shape: tuple[int, ...]) -> models.Model:
    """Two hidden layers of ReLUs; one object, so that it compiles once."""
    return models.functional(models.MLP((width, width), classes), shape)


def recipe(
    config: Config, data: Dataset, epochs: int, sampler, classes: int, width: int = 0
) -> teachers.NetworkRecipe:
    """Adam with a cosine decay on a data set's inputs. Args: width: by default the settings'."""
    model = network(width or config.width, classes, data.train.inputs.shape[1:])
    return teachers.adam_recipe(model, config.learning_rate, sampler, epochs)


def whole_recipe(
    config: Config, data: Dataset, epochs: int, what: str, teacher: int, width: int = 0
) -> teachers.NetworkRecipe:
    """A network of all classes, on all rows in the order of what it is.

    Args:
        config: settings.
        data: the part's.
        epochs: of it.
        what: which network, as its keys are named.
        teacher: which of several generalists it is, or belongs to.
        width: of its hidden layers, by default the settings'.
    """
    order = keys.key(config.base_seed, what, teacher, "order")
    sampler = samplers.shuffled(order, len(data.train.labels), config.batch_size)
    return recipe(config, data, epochs, sampler, data.classes, width)


def parameters(inputs: int, width: int, classes: int) -> int:
    """How many parameters a network of two hidden layers has."""
    return (inputs + 1) * width + (width + 1) * width + (width + 1) * classes


def wider(config: Config, data: Dataset) -> int:
    """The least width of a generalist with as many parameters as one and all its specialists."""
    inputs = data.train.inputs[0].size
    special = parameters(inputs, config.width, config.special_classes + 1)
    wanted = parameters(inputs, config.width, data.classes) + config.specialists * special
    return next(w for w in itertools.count(1) if parameters(inputs, w, data.classes) >= wanted)


def equal_epochs(config: Config, data: Dataset) -> int:
    """Epochs of one network over all rows in which it sees as many as all specialists do in theirs.

    An epoch of a specialist shows its special rows and as many of the rest.
    """
    share = min(1.0, 2 * config.special_classes / data.classes)
    return max(1, round(config.specialists * config.special_epochs * share))

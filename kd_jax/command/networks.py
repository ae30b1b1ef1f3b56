"""What --student and train:… name, as a Model for a problem."""

import inspect
import re
from collections.abc import Callable

import jax
import numpy as np

from kd_jax import models
from kd_jax.command.problem import Problem
from kd_jax.data.preprocessing import near
from kd_jax.distill import teacher_files
from kd_jax.errors import InputError, brief, require
from kd_jax.models.resnet import NARROW, WIDE

EXPECTED = "mlp:64,64, cnn:16,32,64, resnet8, file.py:factory or package.module:factory"
WIDEST = 2**16


def student(
    name: str, problem: Problem, classes: int = 0, *, flag: str = "--student="
) -> models.Model:
    """The network of a name.

    Args:
        name: mlp:64,64 or cnn:16,32,64, with the widths of their layers; resnet8, resnet8x4 and
            so on; or a factory's place, file.py:factory or package.module:factory. It takes
            (input_shape, classes), or what it has of these names, and returns a Model or a linen
            module.
        problem: Whose inputs it takes.
        classes: How many; 0: as many as the problem's labels have.
        flag: What stands before the name on the command line, for messages.

    Returns:
        The Model, for inputs like those of the problem.

    Raises:
        InputError: There is none of that name, it does not fit the problem, or it gives another
            number of classes.
    """
    classes = classes or len(problem.classes)
    what = f"{flag}{name}"
    require(classes > 1, f"{what}: {classes} classes: expected two or more")
    network = _network(what, name, problem, classes)
    if not isinstance(network, models.Model):
        module = hasattr(network, "init") and hasattr(network, "apply")
        returns = f"{what} returns {type(network).__name__}"
        require(module, f"{returns}: expected a kd_jax.Model or a flax.linen module")
        network = models.from_flax(network)
    if problem.mean is not None:  # of uint8 inputs, which it sees standardized
        example = jax.ShapeDtypeStruct((2, *problem.train.inputs.shape[1:]), np.float32)
        network = models.fitted(network, example, classes, what)
        network = models.standardized(network, problem.mean, problem.scale)
    return models.fitted(network, problem.train.inputs[:2], classes, what)


def _network(what, name, problem, classes):
    """The Flax module of a name, or what a factory returns."""
    word, colon, widths = name.partition(":")
    size = re.fullmatch(r"resnet(\d+)(x4)?", word)
    if size and not colon:
        return _resnet(what, size, problem, classes)
    if word in NAMED:
        return NAMED[word](what, _widths(what, widths), problem, classes)
    known = [*NAMED, *(f"resnet{depth}" for depth in (8, 14, 20, 32, 56)), "resnet8x4"]
    require(
        colon and not _looks_like(word, widths),
        f"{what}: expected {EXPECTED}; {near(word, known, 'networks')}",
    )
    factory = teacher_files.function(name)
    return _made(what, factory, problem.train.inputs.shape[1:], classes)


def _looks_like(word, widths):
    """Whether a name is a word with widths, as mpl:64: a module would be followed by a name."""
    return not word.endswith(".py") and re.fullmatch(r"[\d,\s]*", widths)


def _widths(what, text):
    parts = [part.strip() for part in text.split(",")]
    fits = all(part.isdigit() and 0 < int(part) <= WIDEST for part in parts)
    require(fits, f"{what}: expected the widths of the layers, like 64,64, from 1 to {WIDEST:,}")
    return tuple(map(int, parts))


def _mlp(what, widths, problem, classes):
    return models.MLP(widths, classes)


def _cnn(what, widths, problem, classes):
    """Convolutions with a maximum over 2 × 2 after each, as long as height and width are even."""
    height, width = _image(what, problem)[:2]
    pooled: list[int] = []
    while len(pooled) < len(widths) and height % 2 == 0 and width % 2 == 0:
        pooled.append(len(pooled) + 1)
        height, width = height // 2, width // 2
    return models.ConvNet(widths, tuple(pooled), classes)


NAMED: dict[str, Callable] = {"mlp": _mlp, "cnn": _cnn}


def _resnet(what, size, problem, classes):
    _image(what, problem)
    depth = int(size[1])
    fits = depth % 6 == 2 and 8 <= depth <= 1202
    require(fits, f"{what}: expected a depth of 6n + 2, as resnet8, resnet14, resnet20 or resnet56")
    return models.ResNet(depth, WIDE if size[2] else NARROW, classes)


def _image(what, problem):
    """The shape of an image [H, W, C]."""
    shape = problem.train.inputs.shape[1:]
    require(
        len(shape) == 3,
        f"{what} is for images [H, W, C] and {problem.name} has inputs {list(shape)}: expected a "
        "network for these, such as mlp:64,64",
    )
    return shape


def _made(what, factory, shape, classes):
    """What a factory returns."""
    given = {"input_shape": tuple(shape), "classes": classes}
    try:
        taken = inspect.signature(factory).parameters.values()
        needed = [
            each.name
            for each in taken
            if each.default is each.empty and each.kind <= each.POSITIONAL_OR_KEYWORD
        ]
        if len(needed) == 2 and not isinstance(factory, type):  # whose fields have their own names
            return factory(*given.values())
        return factory(**{each.name: given[each.name] for each in taken if each.name in given})
    except InputError:
        raise
    except (Exception, SystemExit) as error:  # whatever somebody's function raises
        said = f"{type(error).__name__}: {brief(error)}"
        raise InputError(
            f"{what} fails ({said}): expected a factory of (input_shape, classes), or of nothing"
        ) from error

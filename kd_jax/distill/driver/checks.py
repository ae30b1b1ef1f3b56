"""Whether methods fit the networks, and numbers what they are for: said before anything trains."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np

from kd_jax.data import Split
from kd_jax.distill.driver import term_values
from kd_jax.distill.methods import Method
from kd_jax.distill.objective import NUMBERS, Outputs, ordered
from kd_jax.errors import TEMPERATURES, InputError, brief, require
from kd_jax.models import Model
from kd_jax.training.state import Batch

if TYPE_CHECKING:
    from kd_jax.distill.driver.fitting import Taught

BATCH = 4  # rows that a term is tried on


def margin(value: Any) -> float:
    """A margin in points of accuracy; InputError unless it is a number from 0 to 100.

    Args:
        value: Of any kind.
    """
    fits = isinstance(value, int | float | np.number) and 0 <= value < 100
    require(fits, f"margin={value!r:.60}: expected points of accuracy, 0 or more and below 100")
    return float(value)


def listed(methods: Any) -> list[Method]:
    """Methods as a list, one alone too; the first is the baseline.

    Args:
        methods: A Method, or several.

    Raises:
        InputError: There is none, one is something else, its numbers are none, or two have the
            same row.
    """
    alone = isinstance(methods, Method)
    require(
        alone or isinstance(methods, Iterable),
        f"methods={methods!r:.60}: expected some, like [kd.labels_only(), *kd.soft_targets()]",
    )
    found = [methods] if alone else _flat(methods)
    require(found, "there are no methods: expected one or more, like [kd.labels_only()]")
    for each in found:
        require(
            isinstance(each, Method),
            f"methods hold {each!r:.60}: expected each to be a kd.Method, like "
            "[kd.labels_only(), *kd.soft_targets()]",
        )
        _check_values(each)
    rows = [method.row for method in found]
    twice = sorted({row for row in rows if rows.count(row) > 1})
    require(not twice, f"two methods are called {', '.join(twice)}: name each once")
    return found


def _flat(methods):
    """Methods of a list and of lists in it, as kd.soft_targets() is one."""
    pieces = [x if isinstance(x, list) else [x] for x in methods]
    return [method for piece in pieces for method in piece]


def _check_values(method):
    """InputError unless a method's name, numbers and functions are such."""
    row, weights = method.row, method.weights
    named = isinstance(row, str) and row.strip() and row.isprintable()
    require(named, f"a method is called {row!r:.60}: expected a name, in one line")
    several = isinstance(weights, Sequence | np.ndarray) and len(weights) > 0
    require(
        several and all(map(_is_finite, weights)),
        f"method {row} has weights={weights!r:.60}: expected finite numbers, like (1.0, 10.0)",
    )
    for name, values, fits, expected in [
        ("temperature", method.temperatures, _squared,
         "a finite number above 0 whose square is finite too, or a tuple of such"),
        ("label_weight", [method.label_weight], lambda x: x >= 0, "a finite number, 0 or more"),
        ("smoothing", [method.smoothing], lambda x: 0 <= x <= 1, "a number from 0 to 1"),
    ]:  # fmt: skip
        value = getattr(method, name)
        good = len(values) and all(_is_finite(x) and fits(x) for x in values)
        require(good, f"method {row} has {name}={value!r:.60}: expected {expected}")
    for name in ("term", "extra"):
        value = getattr(method, name)
        require(callable(value), f"method {row} has {name}={value!r:.60}: expected a function")


def _squared(temperature):
    low, high = TEMPERATURES
    return low <= temperature <= high


def _is_finite(value):
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    return number and bool(np.isfinite(value))


def check(methods: Sequence[Method], student: Model, train: Split, taught: "Taught") -> bool:
    """Try the term of every method on a few rows; nothing is computed but terms of one's own.

    Args:
        methods: Each learns from a teacher of `taught`.
        student: The network.
        train: Whose inputs it sees.
        taught: What it learns from; of its features the shapes suffice.

    Returns:
        Whether one of them reads the features of the teacher.

    Raises:
        InputError: One does not fit the networks, or needs labels where there are none.
    """
    key = jax.eval_shape(lambda: jax.random.key(0))
    data = {"inputs": train.inputs, "labels": train.labels, "features": {}, **taught.more()}
    logits = np.stack([x[:1] for x in taught.logits.values()], axis=1, dtype=np.float32)
    rows = jax.tree.map(_few, {**data, "teachers": logits})
    apply = ordered(student.apply)
    ours = jax.eval_shape(lambda k, x: apply(student.init(k), x)[0], key, rows["inputs"])
    return any([_reads(method, ours, rows, taught) for method in methods])


def _few(x):
    return jax.ShapeDtypeStruct((BATCH, *x.shape[1:]), jax.dtypes.canonicalize_dtype(x.dtype))


class _Watched(dict):
    """A dict that tells who reads it, and what: told(name), of all values told(None)."""

    def __init__(self, found: Mapping, told: Callable):
        super().__init__(found)
        self.told = told

    def __getitem__(self, name):
        self.told(name)
        return super().__getitem__(name)

    def get(self, name, default=None):
        self.told(name)
        return super().get(name, default)

    def values(self):
        self.told(None)
        return super().values()

    def items(self):
        self.told(None)
        return super().items()


def _leaves(watched):
    """Of a _Watched as JAX takes it apart: whoever maps over all values reads them."""
    return list(watched.values() if watched else ()), tuple(watched)


def _as_dict(names, values):
    return dict(zip(names, values))


jax.tree_util.register_pytree_node(_Watched, _leaves, _as_dict)


def _reads(method, ours, rows, taught):
    """Whether a method reads the teacher's features; InputError where it does not fit."""
    row, read = method.row, []
    sought: list[tuple] = []  # what was asked for a name, and what it holds
    require(row not in taught.logits, f"method {row} is called as a teacher is: rename one")
    unlabeled = taught.labeled is not None and not np.any(taught.labeled)
    needs = f"method {row} needs labels, and there are none: take kd.pseudo_labels()"
    require(any(method.weights) or not unlabeled, needs)

    def told_rows(name):
        sought.append(("batch.rows", rows))
        require(not (unlabeled and name == "labeled"), needs)

    def told_student(name):
        sought.append(("features of the student", ours[1]))
        _check_features(f"method {row}: the student", ours[1], rows["inputs"])

    def told_teacher(name):
        read.append(name)
        sought.append(("features of the teacher", rows["features"]))
        first = method.teacher == next(iter(taught.logits))
        known = rows["features"] if first else {}
        _check_features(f"method {row}: the teacher {method.teacher}", known, rows["inputs"])

    def loss(key, numbers, ours, rows):
        student = Outputs(ours[0], _Watched(ours[1], told_student))
        teacher = Outputs(rows["teachers"][:, 0], _Watched(rows["features"], told_teacher))
        extra = method.extra(key, student, teacher)
        return method.term(student, teacher, Batch(_Watched(rows, told_rows), numbers), extra)

    numbers = {name: jax.ShapeDtypeStruct((), np.float32) for name in NUMBERS}
    key = jax.eval_shape(lambda: jax.random.key(0))
    try:
        _check_number(row, jax.eval_shape(loss, key, numbers, ours, rows))
        term_values.check(method, loss, ours, rows)
    except InputError:
        raise
    except Exception as error:  # whatever a term does with what is not there
        what = f"{type(error).__name__}: {brief(error)}"
        if isinstance(error, KeyError) and sought:
            whose, there = sought[-1]
            what += f"; {whose} are {', '.join(there) or 'none'}"
        raise InputError(f"method {row} does not fit these networks: {what}") from error
    return bool(read)


def _check_number(row, found):
    """InputError unless a term gave one float."""
    shape, kind = getattr(found, "shape", None), getattr(found, "dtype", type(found).__name__)
    number = shape == () and jnp.issubdtype(kind, jnp.floating)
    got = kind if shape is None else f"{kind} {list(shape)}"
    require(
        number,
        f"method {row} has a term that gives {got}: expected one float, as jnp.mean of the rows' "
        "losses is; of feature maps it needs [B, H, W, C] of both networks",
    )


def _check_features(whose, features, inputs):
    """InputError where they are unknown, or maps are [B, C, H, W] as far as that can be told."""
    require(
        features,
        f"{whose} has no features that are known: expected a Network, or a model that gives "
        "(logits, {name: feature})",
    )
    square = len(inputs.shape) > 2 and inputs.shape[1] == inputs.shape[2]
    for name, x in features.items() if square else ():  # of square images maps are square
        _, *axes = x.shape
        require(
            len(axes) < 3 or axes[0] == axes[1] or axes[1] != axes[2],
            f"{whose} has a feature map {name} {list(x.shape)}, which seems to be [B, C, H, W]: "
            "expected [B, H, W, C]; give it transposed",
        )

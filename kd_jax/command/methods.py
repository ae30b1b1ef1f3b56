"""What --methods and --plugin name, as methods with their weights."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

from kd_jax.distill import methods
from kd_jax.distill.driver import checks
from kd_jax.distill.methods import Method
from kd_jax.distill.methods import plugin as plugins
from kd_jax.errors import require

# by whether labels are known: what is compared where --methods is not given
USUAL = {True: ("labels", "soft_targets"), False: ("pseudo_labels", "soft_targets")}
FAMILIES: dict[str, Callable[[Sequence[float]], list[Method]]] = {  # (temperatures) -> a row each
    "soft_targets": methods.soft_targets,
    "soft_and_labels": functools.partial(methods.soft_targets, label_weight=1.0),
}
ALONE: dict[str, Callable[[], Method]] = {  # methods that are one row
    "labels": methods.labels_only,
    "label_smoothing": methods.label_smoothing,
    "teacher_free": methods.teacher_free,
    "pseudo_labels": methods.pseudo_labels,
    "logit_matching": methods.logit_matching,
    "dkd": methods.decoupled,
    "nkd": methods.normalized,
    "dist": methods.dist,
    "standardized": methods.standardized,
    "rkd_distance": methods.relational_distance,
    "rkd_angle": methods.relational_angle,
    "sp": methods.similarity_preserving,
    "pkt": methods.probabilistic_transfer,
    "hint": methods.hint,
    "vid": methods.variational_information,
    "ab": methods.activation_boundary,
    "cc": methods.correlation_congruence,
    "crd": methods.contrastive,
    "at": methods.attention_transfer,
    "nst": methods.neuron_selectivity,
    "fsp": methods.flow,
    "review": methods.review,
}
# of a method's weight, where --weights is not given. Attention transfer is a mean over positions of
# what unit vectors differ by, so it falls with their number: beside maps of few positions the
# paper's weight of 1000 leaves nothing of the labels
MULTIPLES = {"at": (0.01, 0.1, 1.0)}


def chosen(config: Any, labeled: bool) -> list[Method]:
    """The methods of a command, in the order of their names, those of the plugin last.

    Args:
        config: The flags: methods, of which none means `USUAL`; temperatures, of the families that
            have them; weights, multiples of each method's own, () for the usual ones, which
            the term alone keeps; plugin, a file with METHODS, or "".
        labeled: Whether labels are known.

    Raises:
        InputError: The plugin holds no methods, two methods have one name, or one needs labels.
    """
    names = config.methods or USUAL[labeled]
    found = [
        _weighed(method, config.weights or MULTIPLES.get(name, (1.0,)))
        for name in names
        for method in of_name(name, config.temperatures)
    ]
    needy = [method.row for method in found if not any(method.weights)]
    require(
        labeled or not needy,
        f"--methods: {', '.join(needy)} needs labels, and --data has none: take pseudo_labels",
    )
    own = checks.listed(plugins.of_file(config.plugin)) if config.plugin else []
    return checks.listed([*found, *(_weighed(method, config.weights or (1.0,)) for method in own)])


def _weighed(method, multiples):
    """The method with multiples of its weight; as it is, if it has nothing to weigh against."""
    return method.times(multiples) if method.label_weight else method


def of_name(name: str, temperatures: Sequence[float]) -> list[Method]:
    """The rows of one name.

    Args:
        name: Of ALONE or FAMILIES.
        temperatures: Of a family, a row each.
    """
    return [ALONE[name]()] if name in ALONE else FAMILIES[name](temperatures)

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


def chosen(config: Any, labeled: bool) -> list[Method]:
    """The methods of a command, in the order of their names, those of the plugin last.

    Args:
        config: The flags: methods, of which none means `USUAL`; temperatures, of the families that
            have them; weights, multiples of each method's own, which the term alone keeps, as it
            has nothing to weigh against; plugin, a file with METHODS, or "".
        labeled: Whether labels are known.

    Raises:
        InputError: The plugin holds no methods, two methods have one name, or one needs labels.
    """
    names = config.methods or USUAL[labeled]
    found = [method for name in names for method in of_name(name, config.temperatures)]
    needy = [method.row for method in found if not any(method.weights)]
    require(
        labeled or not needy,
        f"--methods: {', '.join(needy)} needs labels, and --data has none: take pseudo_labels",
    )
    found += plugins.of_file(config.plugin) if config.plugin else []
    found = checks.listed(found)
    return [method.times(config.weights) if method.label_weight else method for method in found]


def of_name(name: str, temperatures: Sequence[float]) -> list[Method]:
    """The rows of one name.

    Args:
        name: Of ALONE or FAMILIES.
        temperatures: Of a family, a row each.
    """
    return [ALONE[name]()] if name in ALONE else FAMILIES[name](temperatures)

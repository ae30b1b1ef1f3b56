"""Born-again networks: generations of one architecture, each taught by the one before."""

import itertools
from collections.abc import Iterator

from experiments.teacher_choice import common, smoothing
from experiments.teacher_choice import rows as named
from experiments.teacher_choice.common import Place
from kd_jax.distill import assistants, teachers, transfer
from kd_jax.distill.students import Arm
from kd_jax.export import saved_models
from kd_jax.metrics import records


def generations(place: Place) -> Iterator[teachers.Teachers]:
    """The networks of a chain, each begun anew; all but the first learn from the one before too.

    Source: Furlanello et al. 2018, arXiv 1805.04770, section 3.
    """
    config, rows, before = place.config, len(place.data.train.labels), None
    for number in range(config.born_again_generations + 1):
        order = place.key("generation", number, "order")
        of = common.recipe(config, config.width, rows, config.epochs, order)
        arm = Arm(named.generation(number), label_weight=1.0, weight=float(number > 0))
        logits = common.outputs(before)["train"] if before else None
        key = place.key("generation", number)
        before = assistants.one(
            arm.row, of, arm, key, place.data, logits, place.run, seed=place.teacher
        )
        yield before


def train(place: Place, task) -> list[dict]:
    """The records of a chain; each generation is compared with the one before."""
    place = smoothing.fewer(place)
    chain, test, found = list(generations(place)), place.data.test, []
    for before, one in itertools.pairwise([chain[0], *chain]):
        saved_models.save_teachers(task.run, one, test, **task.known)
        logits, theirs = (x.logits["test"] for x in (one, before))
        metrics = transfer.test_metrics(logits, test.labels, theirs[0])
        found += records.seed_records(one.row, metrics)
    return found

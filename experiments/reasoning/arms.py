"""Arms: what students of a reasoning teacher learn from, and by which objective."""

from typing import NamedTuple

from experiments.language_model.objectives import JSD
from experiments.reasoning import pools, problems, report
from kd_jax import losses
from kd_jax.language.objectives import Objective, divergence, labels

SLOW = 0.3  # better on validation, where the student decides which tokens count


class Arm(NamedTuple):
    """One row of a table. pool: the name of its texts.

    more: its students take so many more steps that they see as many tokens as those of one right
    chain, whose texts are longer; of these there are students of most problems alone.

    An objective with a share learns from the pool's texts as SFT does, and in its last steps from
    texts that the student writes itself. Source: Agarwal et al. 2024, arXiv 2306.13649 (GKD), which
    begins with a student after SFT too. pace: a part of the plan's rate, for these steps.
    """

    pool: str
    objective: Objective
    more: bool = False
    pace: float = 1.0

    @property
    def row(self):
        """What tables call it."""
        return self.objective.row


FEW = (
    Arm(problems.ANSWER, Objective(report.ANSWER, labels)),
    Arm(problems.TERSE, Objective(report.TERSE, labels)),
    Arm(pools.ONE, Objective(report.CHAINS, labels)),
    Arm(pools.ONE, Objective(report.FORWARD, divergence(losses.forward_kl))),
    Arm(pools.ONE, Objective(report.REVERSE, divergence(losses.reverse_kl), share=1.0), pace=SLOW),
    Arm(pools.ONE, Objective(report.OWN, divergence(losses.forward_kl), share=1.0)),
    Arm(pools.SEVERAL, Objective(report.SEVERAL, labels)),
    Arm(pools.UNSORTED, Objective(report.UNSORTED, labels)),
)
AS_MANY = (
    Arm(problems.ANSWER, Objective(report.more(report.ANSWER), labels), more=True),
    Arm(problems.TERSE, Objective(report.more(report.TERSE), labels), more=True),
)
MORE = (Arm(pools.ONE, Objective(report.SHANNON, divergence(JSD, beta=0.5), share=1.0), pace=SLOW),)

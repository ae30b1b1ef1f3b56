"""Arms: what students of a reasoning teacher learn from, and by which objective."""

from typing import NamedTuple

from kd_jax import losses
from kd_jax.language.objectives import JSD, Objective, divergence, labels
from kd_jax.reasoning import pools, problems
from kd_jax.report import reasoning as report


class Arm(NamedTuple):
    """One row of a table. pool: the name of its texts.

    An objective with a share learns from the pool's texts as SFT does, and in the last quarter of
    its steps from texts that the student writes itself, which takes most of the time. Source:
    Agarwal et al. 2024, arXiv 2306.13649 (GKD), which begins with a student after SFT too.
    """

    pool: str
    objective: Objective

    @property
    def row(self):
        """What tables call it."""
        return self.objective.row


FEW = (
    Arm(problems.ANSWER, Objective(report.ANSWER, labels)),
    Arm(problems.TERSE, Objective(report.TERSE, labels)),
    Arm(pools.ONE, Objective(report.CHAINS, labels)),
    Arm(pools.ONE, Objective(report.FORWARD, divergence(losses.forward_kl))),
    Arm(pools.ONE, Objective(report.REVERSE, divergence(losses.reverse_kl), share=1.0)),
    Arm(pools.SEVERAL, Objective(report.SEVERAL, labels)),
    Arm(pools.UNSORTED, Objective(report.UNSORTED, labels)),
)
MORE = (Arm(pools.ONE, Objective(report.SHANNON, divergence(JSD, beta=0.5), share=1.0)),)

"""Arms: what students of a reasoning teacher learn from, and by which objective."""

from typing import NamedTuple

from experiments.reasoning import pools, problems, rows
from kd_jax import losses
from kd_jax.language.objectives import Objective, divergence, labels


class ReasoningArm(NamedTuple):
    """One row of a table.

    pool: the name of its texts. equal_tokens: its students take so many more steps that they see
    as many tokens as those of one right chain, whose texts are longer; of these there are students
    of most problems alone.

    An on-policy objective learns from the pool's texts as SFT does, and in its last steps from
    texts that the student writes itself. Source: Agarwal et al. 2024, arXiv 2306.13649 (GKD), which
    begins with a student after SFT too. restarted: whether it has such last steps, with a schedule
    of their own; slow: and a smaller learning rate. stopped: whether it ends where these begin.
    """

    pool: str
    objective: Objective
    equal_tokens: bool = False
    slow: bool = False
    restarted: bool = False
    stopped: bool = False

    @property
    def row(self):
        """What tables call it."""
        return self.objective.row


def on_policy(row, loss, slow=False, **options):
    """The arm of a loss on texts that students write themselves."""
    objective = Objective(row, divergence(loss, **options), on_policy_fraction=1.0)
    return ReasoningArm(pools.ONE, objective, slow=slow, restarted=True)


def equal_tokens(pool, row):
    """The arm of SFT on as many tokens as right chains have."""
    return ReasoningArm(pool, Objective(rows.equal_tokens(row), labels), equal_tokens=True)


FEW = (
    ReasoningArm(problems.ANSWER, Objective(rows.ANSWER, labels)),
    ReasoningArm(problems.TERSE, Objective(rows.TERSE, labels)),
    ReasoningArm(pools.ONE, Objective(rows.CHAINS, labels)),
    ReasoningArm(pools.ONE, Objective(rows.FORWARD, divergence(losses.forward_kl))),
    ReasoningArm(pools.ONE, Objective(rows.SFT_START, labels), stopped=True),
    ReasoningArm(pools.ONE, Objective(rows.SFT_RESTARTED, labels), restarted=True),
    on_policy(rows.ON_POLICY_REVERSE, losses.reverse_kl, slow=True),
    on_policy(rows.ON_POLICY_FORWARD, losses.forward_kl),
    ReasoningArm(pools.SEVERAL, Objective(rows.SEVERAL, labels)),
    ReasoningArm(pools.UNFILTERED, Objective(rows.UNFILTERED, labels)),
)
EQUAL_TOKENS = (
    equal_tokens(problems.ANSWER, rows.ANSWER),
    equal_tokens(problems.TERSE, rows.TERSE),
)
MORE = (on_policy(rows.ON_POLICY_JSD, losses.jensen_shannon, slow=True, beta=0.5),)

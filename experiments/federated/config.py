"""Settings of federated distillation."""

import dataclasses

from experiments.federated.rows import ARCHITECTURES
from kd_jax import experiment
from kd_jax.errors import above_0, at_least, distinct, require, within
from kd_jax.experiment import place, setting


@dataclasses.dataclass(frozen=True)
class Config(experiment.Config):
    """Settings of federated distillation."""

    mnist_5k: bool = setting(False, "use the package's 5,000 digits instead of MNIST")
    alphas: tuple[float, ...] = setting(
        (0.1, 1.0, 100.0), "Dirichlet concentrations: small is strong label skew", distinct(above_0)
    )
    clients: int = setting(10, "how many clients", at_least(ARCHITECTURES))
    byzantine: int = setting(2, "how many of them send wrong logits, where some do", at_least(1))
    client_rows: int = setting(10000, "rows of all clients together", at_least(1))
    least_rows: int = setting(20, "rows that every client has at least", at_least(1))
    public_rows: int = setting(2000, "inputs of the public set", at_least(1))
    validation: int = setting(2000, "rows on which every round is measured", at_least(1))
    rounds: int = setting(10, "rounds of communication", at_least(1))
    steps: int = setting(50, "steps of a client on its own rows in a round", at_least(1))
    distillation_steps: int = setting(50, "steps on the public set in a round", at_least(1))
    server_epochs: int = setting(
        20, "epochs of FedDF's server on the public set at most, where it stops early", at_least(1)
    )
    patience: int = setting(
        2, "epochs in a row that are no better on validation, after which it stops", at_least(1)
    )
    batch_size: int = setting(50, "rows in a step of a client", at_least(1))
    learning_rate: float = setting(1e-3, "of every client's Adam", above_0)
    margin: float = setting(
        1.5,
        "points of accuracy that make no difference: an interval within is EQUIVALENT",
        within(0, 1000),
    )
    width: int = setting(64, "units in the hidden layer of the networks", at_least(1))
    workers: int = place(2, "federations trained at a time", at_least(1))

    PRESETS = {
        "default": {},
        "smoke": dict(
            fast_compile=True, seeds=2, mnist_5k=True, alphas=(0.5,), clients=4, byzantine=1,
            client_rows=1000, public_rows=100, validation=100, rounds=2, steps=5,
            distillation_steps=5, server_epochs=3, patience=1, width=16,
        ),
    }  # fmt: skip

    def validate(self):
        require(
            2 * self.byzantine < self.clients,
            f"--byzantine={self.byzantine}: expected at least 1 and fewer than half of "
            f"{self.clients}",
        )

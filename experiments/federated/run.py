"""Federated distillation: clients with rows of their own exchange logits instead of weights."""

import dataclasses
import functools
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from experiments.federated import report
from kd_jax import experiment, fingerprint, losses, models
from kd_jax.data import Split, out_of_domain, partition
from kd_jax.distill import aggregation, federated
from kd_jax.errors import require
from kd_jax.export import saved_models
from kd_jax.metrics import classification, records
from kd_jax.runtime import parallel
from kd_jax.storage import run_folder
from kd_jax.training import loop

BATCH, LEAST = 50, 20  # rows of a client's step; rows that every client has at least
KINDS = 3  # of architectures, where they differ


@dataclasses.dataclass(frozen=True)
class Config(experiment.Common):
    """Settings of the federation."""

    embedded: bool = experiment.setting(False, "use the package's 5,000 digits instead of MNIST")
    alphas: tuple[float, ...] = experiment.setting((0.1, 1.0, 100.0), "skews: small is strong")
    clients: int = experiment.setting(10, "how many clients")
    liars: int = experiment.setting(2, "how many of them send wrong logits, where some do")
    private: int = experiment.setting(10000, "rows of all clients together")
    public: int = experiment.setting(2000, "inputs of the public set")
    validation: int = experiment.setting(2000, "rows on which every round is measured")
    rounds: int = experiment.setting(10, "rounds of communication")
    steps: int = experiment.setting(50, "steps of a client on its own rows in a round")
    digest: int = experiment.setting(50, "steps on the public set in a round")
    width: int = experiment.setting(64, "units in the hidden layer of the networks")
    workers: int = experiment.place(2, "federations trained side by side")

    PRESETS = {
        "default": {},
        "smoke": {
            "optimize": False,
            "seeds": 2,
            "embedded": True,
            "alphas": (0.5, 100.0),
            "clients": 4,
            "liars": 1,
            "private": 1200,
            "public": 200,
            "validation": 200,
            "rounds": 2,
            "steps": 10,
            "digest": 10,
            "width": 16,
        },
    }

    def validate(self):
        names = "private", "public", "validation", "rounds", "steps", "digest", "width", "workers"
        experiment.check_counts(self, *names)
        require(self.clients >= KINDS, f"--clients={self.clients}: expected at least {KINDS}")
        require(
            0 < 2 * self.liars < self.clients,
            f"--liars={self.liars}: expected at least 1 and fewer than half of {self.clients}",
        )
        given, distinct = ",".join(f"{a:g}" for a in self.alphas), len(set(self.alphas))
        require(
            given and distinct == len(self.alphas) and all(0 < a < np.inf for a in self.alphas),
            f"--alphas={given}: expected finite, distinct numbers above 0, like 0.1,100",
        )


class Arrangement(NamedTuple):
    """A row of the table: what is exchanged, about which public set, by which architectures.

    sent: (plan, how many public inputs, classes) -> bytes of a round.
    """

    row: str
    exchange: Callable
    sent: Callable
    public: str = "public"
    mixed: bool = False
    central: bool = False


def arrangements(liars):
    """Every row of the table, the baseline first."""
    alone, fedavg, feddf, mean = (
        aggregation.alone,
        aggregation.fedavg,
        aggregation.feddf,
        aggregation.mean,
    )
    fedmd, by_median = aggregation.fedmd(mean), aggregation.fedmd(aggregation.median)
    lied, caught = (aggregation.fedmd(x, liars) for x in (mean, aggregation.median))
    weights, scores = aggregation.bytes_of_weights, aggregation.bytes_of_scores
    nothing = aggregation.no_bytes
    return [
        Arrangement(report.LOCAL, alone, nothing),
        Arrangement(report.FEDAVG, fedavg, weights),
        Arrangement(report.FEDDF, feddf, weights),
        Arrangement(report.FEDDF_OTHERS, feddf, weights, public="others"),
        Arrangement(report.FEDDF_MIXED, feddf, weights, mixed=True),
        Arrangement(report.FEDMD, fedmd, scores),
        Arrangement(report.FEDMD_OTHERS, fedmd, scores, public="others"),
        Arrangement(report.FEDMD_MIXED, fedmd, scores, mixed=True),
        Arrangement(report.FEDMD_MEDIAN, by_median, scores),
        Arrangement(report.LIED, lied, scores),
        Arrangement(report.CAUGHT, caught, scores),
        Arrangement(report.CENTRAL, alone, nothing, central=True),
    ]


@functools.cache
def networks(width):
    """Three architectures, the one of those who all have the same first."""
    narrow = max(1, width // 2)
    return [
        models.functional(net, (28, 28))
        for net in (
            models.MLP((width,), 10),
            models.MLP((narrow, narrow), 10),
            models.ConvNet((4, 8), (1, 2), 10),
        )
    ]


def plan_of(settings, one):
    """The federated.Plan of an Arrangement."""
    count = 1 if one.central else settings.clients
    kinds = networks(settings.width)[: KINDS if one.mixed else 1]
    sizes = (len(part) for part in np.array_split(np.arange(count), len(kinds)))
    batch = BATCH * settings.clients if one.central else BATCH
    lengths = settings.rounds, settings.steps, settings.digest
    return federated.Plan(tuple(zip(kinds, sizes)), OPTIMIZER, one.exchange, *lengths, batch)


OPTIMIZER = optax.adam(1e-3)


def dealt(settings, split, others):
    """(private, held, {"public", "others"}): disjoint Splits, and inputs without labels."""
    sizes = np.cumsum([settings.private, settings.public, settings.validation])
    rows = np.split(np.random.default_rng(0).permutation(len(split.labels)), sizes)
    private, public, held = (Split(split.inputs[own], split.labels[own]) for own in rows[:3])
    return private, held, {"public": public.inputs, "others": others[: settings.public]}


def world_of(settings, one, alpha, parts):
    """The federated.World of all seeds: rows [S, K, N] and counts [S, K], each seed's own deal."""
    (inputs, labels), held, public = parts

    def deal(seed):
        if one.central:
            return [np.arange(len(labels))]
        return partition.dirichlet(labels, settings.clients, alpha, seed, least=LEAST)

    tables = [partition.table(deal(seed), len(labels)) for seed in range(settings.seeds)]
    rows, counts = map(np.stack, zip(*tables))
    return federated.World(inputs, labels, rows, counts, public[one.public], tuple(held))


def federate(settings, parts, test, run, job):
    """The records of one Arrangement at one alpha, all seeds in one program.

    Of every seed the network of the first client is kept.
    """
    one, alpha = job
    plan, world = plan_of(settings, one), world_of(settings, one, alpha, parts)
    keys = jax.random.split(jax.random.key(1), settings.seeds)
    before, after, curve = federated.learn(plan, jax.tree.map(jnp.asarray, world), keys)
    metrics = federated.examine(plan, before, after, test)
    metrics["validation_curve"] = np.asarray(curve)
    model, first = plan.groups[0][0], jax.tree.map(lambda x: x[:, :1], after[0])
    saved_models.keep(run, model, first, [one.row], test, part=f"{alpha:g}")
    more = {"part": f"{alpha:g}", "bytes": one.sent(plan, settings.public, 10)}
    print(f"alpha {alpha:g}, {one.row}: {metrics['test_accuracy'].mean():.1%} right")
    return records.of_metrics(one.row, metrics, **more)


CODE = fingerprint.source(
    loop, partition, federated, aggregation, classification, out_of_domain,
    losses.logits, models.mlp, models.convnet, arrangements, networks, plan_of, dealt, world_of,
    federate,
)  # fmt: skip


def load(settings):
    """(Dataset of digits, images that are none, digests of both)."""
    where = settings.data_dir, settings.manual_dir
    data, others, digests = out_of_domain.beside_digits(settings.embedded, *where)
    wanted = settings.private + settings.public + settings.validation
    known, strange = len(data.train.labels), len(others)
    require(
        wanted <= known,
        f"--private, --public and --validation are {wanted} rows: there are {known}",
    )
    require(settings.public <= strange, f"--public={settings.public}: there are {strange} others")
    return data, others, digests


def table(folder):
    """The Markdown of a run folder."""
    return report.table(folder)


def run(settings):
    """The whole experiment: every arrangement at every alpha, records, table, figures."""
    data, others, digests = load(settings)
    facts = {"data": digests, "code": CODE}
    here = run_folder.Run(settings.workdir, "federated", settings.results_key(), facts)
    left = [
        (one, alpha)
        for one in arrangements(settings.liars)
        for alpha in settings.alphas
        if not here.has(part=f"{alpha:g}", row=one.row)
    ]
    parts = dealt(settings, data.train, others)
    job = functools.partial(federate, settings, parts, data.test, here)
    for found in parallel.results(job, left, settings.workers):
        here.append(found)
    here.conclude(table, report.draw)


if __name__ == "__main__":
    experiment.launch(Config, run)

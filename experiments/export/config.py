"""Settings of an export."""

import dataclasses

from kd_jax import experiment, paths
from kd_jax.errors import at_least, require
from kd_jax.experiment import place
from kd_jax.export import hub
from kd_jax.storage import manifest


@dataclasses.dataclass(frozen=True)
class Config(experiment.Config):
    """Settings of an export."""

    run: str = place("", "folder of the finished run, like runs/quickstart/<id>")
    row: str = place("", "row of the network in the tables (default: list them)")
    seed: int = place(0, "seed of the network", at_least(0))
    where: tuple[str, ...] = place((), "fields that tell rows of one name apart, like part=1")
    out: str = place("", "folder to export to (default: export/ in the run's folder)")
    push: str = place(
        "",
        "owner/name on the Hugging Face hub to upload the export to; without --run, what --out is",
        hub.check_name,
    )

    def validate(self):
        if self.push and not self.run:
            card = paths.given(self.out) / hub.CARD
            there = bool(self.out) and card.is_file()
            return require(
                there, f"--out={self.out} has no {hub.CARD}: expected a student's folder"
            )
        require(self.run, "--run is missing: expected the folder of a run (./run.sh list)")
        require(self.row or not self.push, "--push needs --row: one network is uploaded")
        run = paths.given(self.run)
        for name in ("manifest.json", "config.json", "records.jsonl"):
            require(
                (run / name).is_file(), f"--run={self.run} is no finished run: it has no {name}"
            )
        require(
            manifest.finished(run),
            f"--run={self.run} is no finished run: ./run.sh list says how it goes on",
        )
        for text in self.where:
            require("=" in text, f"--where={text}: expected name=value, like part=1")

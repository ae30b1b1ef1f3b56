"""The rows of the speech experiment, and the numbers of Hinton, Vinyals and Dean 2015."""

from collections.abc import Mapping
from typing import Any, NamedTuple

LABELS, MEMBER, ENSEMBLE = "labels only", "one member", "ensemble"
GEOMETRIC = "ensemble, geometric mean"
PSEUDO_LABELS = "labels + pseudo-labels of the ensemble"
# parts: of few recordings, and two set-ups of equal length
FEW = "few recordings"
AS_PAPER = "as the paper: students of the members' size, equally long"
DECAYING = "learning rates that decay to zero"
WHOLE, LAST = "labels, all recordings", "labels, last epoch"
STOPPED, PERMUTED_LAST = "labels, early stopping", "permuted teacher, last epoch"


class Names(NamedTuple):
    """The rows that are named by numbers of the settings."""

    label_weight: float = 0.5
    temperature: float = 2.0
    smoothing: float = 0.1

    @classmethod
    def of(cls, settings: Mapping[str, Any]) -> "Names":
        """Those of settings, of which older records lack some."""
        return cls(**{name: settings[name] for name in cls._fields if name in settings})

    @property
    def mixed(self) -> str:
        """The family of students of soft targets and labels, over T."""
        return f"soft targets + {self.label_weight:g} labels"

    @property
    def at_temperature(self) -> str:
        """What ends the names of students of `temperature`."""
        return f"T={self.temperature:g}"

    @property
    def alone(self) -> str:
        """Soft targets without labels."""
        return f"soft targets, {self.at_temperature}"

    @property
    def of_geometric(self) -> str:
        """Soft targets of the other mean, and labels."""
        return f"{self.mixed} of the geometric mean, {self.at_temperature}"

    @property
    def permuted(self) -> str:
        """The control."""
        return f"{self.mixed} of a permuted teacher, {self.at_temperature}"

    @property
    def smoothed(self) -> str:
        """Labels alone, smoothed."""
        return f"label smoothing {self.smoothing:g}"

    @property
    def soft(self) -> str:
        """Few recordings: soft targets without labels."""
        return f"{self.alone}, last epoch"

    @property
    def smoothed_last(self) -> str:
        """Few recordings: labels alone, smoothed."""
        return f"{self.smoothed}, last epoch"


# what the paper prints, of other data: beside no row of ours
PAPER_RETAINED = "86 %"  # of the ensemble's gain
PAPER = (
    "Paper, on its own data (section 4, 14,000 states of English): frame accuracy 58.9 % of one "
    "network, 61.1 % of ten, 60.8 % of their student at T = 2; word errors 10.9, 10.7 and 10.7 %."
)
PAPER_FEW = (
    "Paper, on its own data (section 6, frame accuracy in training and test): 63.4 and 58.9 % of "
    "labels of all recordings, 67.3 and 44.5 % of labels of 3 % that stop early, 65.4 and 57.0 % "
    "of soft targets of 3 %."
)

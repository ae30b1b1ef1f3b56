"""The flags of `distill`: your data, your teacher, your student, and how they are trained."""

import dataclasses
import re
from collections.abc import Iterable

from kd_jax import experiment
from kd_jax.errors import (
    FINITE,
    above_0,
    at_least,
    distinct,
    is_temperature,
    one_of,
    require,
    within,
)  # fmt: skip
from kd_jax.experiment import place, setting

METHODS = (  # as command.methods makes them
    "labels", "label_smoothing", "teacher_free", "pseudo_labels", "soft_targets", "soft_and_labels",
    "logit_matching", "dkd", "nkd", "dist", "standardized", "rkd_distance", "rkd_angle", "sp",
    "pkt", "hint", "vid", "ab", "cc", "crd", "at", "nst", "fsp", "review",
)  # fmt: skip
AUGMENTATIONS = ("none", "jitter", "crop_flip")
OPTIMIZERS = ("adam", "adamw", "sgd")
FORMATS = ("onnx", "stablehlo", "safetensors", "int8")

ABOUT = """Your teacher, your student, your data: is what distillation gains real?

Command:  ./run.sh distill --data=adult.csv --label=income --teacher=forest.py:teach
          --student=mlp:64,64 --out=small
Takes:    A minute or two for some ten thousand rows of a table on 2 CPU cores

--data is an .npz file (inputs; labels, teacher_logits or teacher_probabilities, split), a table
(.csv .tsv .parquet .jsonl, with --label), a folder or .zip of images in class folders, or
tfds:NAME. --teacher is outputs.npy, model.onnx, model.stablehlo, a saved folder, file.py:function,
package.module:function, or train:mlp:512,512 (cnn:…, resnet8 …), trained here; several are an
ensemble. A function gets raw rows: a pyarrow.Table without the label, uint8 images [B, H, W, C] or
arrays; it returns logits or probabilities [B, C], in the order of the class names sorted as text.
Students of every method see the same batches; validation chooses, the test is read once."""


def shares(name, values):
    """The check that numbers are from 0 to 1; what they are together is checked with the rows."""
    given, expected = ",".join(f"{x:g}" for x in values), "fractions from 0 to 1, like 0.7,0.1,0.2"
    sound = all(x == 0 or FINITE[0] <= x <= 1 for x in values)
    require(sound, f"--{name}={given}: expected {expected}")


# commas separate teachers, but not the widths of train:mlp:512,512
BETWEEN = re.compile(r",(?!\s*\d+\s*(?:,|$))")


def separate(given: Iterable[str]) -> list[str]:
    """The teachers that --teacher names, given several times or separated by commas.

    Args:
        given: Texts.
    """
    return [name.strip() for name in BETWEEN.split(",".join(given)) if name.strip()]


def multiples(name, values):
    """The check that multiples of weights are such, if there are any."""
    if values:
        distinct(above_0)(name, values)


@dataclasses.dataclass(frozen=True)
class Config(experiment.Config):
    """The flags of `distill`."""

    data: str = place("", "file or folder of your rows; tfds:NAME for a prepared set")
    validation_data: str = place("", "rows that choose (default: a part of --data)")
    test_data: str = place("", "rows that are read once (default: a part of --data)")
    split: tuple[float, ...] = setting(
        (0.7, 0.1, 0.2),
        "parts of --data: training, validation, test, of each class alike; a sum "
        "below 1 leaves rows out",
        shares,
    )
    label: str = setting("", "column of a table that is to be predicted; none: nobody knows labels")
    columns: tuple[str, ...] = setting((), "columns that are inputs (default: all but the label)")
    ignore: tuple[str, ...] = setting((), "columns that are no inputs")
    image_size: int = setting(
        0, "height and width of images (default: as they are)", within(0, 4096)
    )
    skip_unreadable: bool = setting(False, "go on without images that cannot be read, and count")
    teacher: tuple[str, ...] = place((), "file, folder, function or train:NETWORK; may be repeated")
    student: str = setting("mlp:64,64", "mlp:64,64, cnn:16,32, resnet8 … or file.py:factory")
    methods: tuple[str, ...] = setting(
        (), f"rows of the table, of {', '.join(METHODS)} (default: labels,soft_targets; without "
        "labels pseudo_labels,soft_targets)",
    )  # fmt: skip
    temperatures: tuple[float, ...] = setting(
        (1.0, 2.0, 4.0, 8.0),
        "of soft_targets and soft_and_labels, a row each",
        distinct(is_temperature),
    )
    weights: tuple[float, ...] = setting(
        (), "multiples of each method's own weight, of which validation chooses one; the table "
        "shows both, as 9 = 0.1 × 90 (default: 1; of at 0.01,0.1,1)", multiples,
    )  # fmt: skip
    plugin: str = place("", "Python file with METHODS of your own, see docs/methods.md")
    margin: float = setting(
        0.0, "points of accuracy that make no difference, stated beforehand", within(0, 100)
    )
    seeds: int = setting(10, "students per method and weight", at_least(1))
    epochs: int = setting(20, "passes of every student over the training rows", at_least(1))
    batch_size: int = setting(128, "rows in a step", at_least(1))
    learning_rate: float = setting(2e-3, "peak of a cosine decay", above_0)
    optimizer: str = setting("adam", f"one of {', '.join(OPTIMIZERS)}", one_of(*OPTIMIZERS))
    augment: str = setting(
        "none", "views of images in each step: none, jitter or crop_flip", one_of(*AUGMENTATIONS)
    )
    teacher_epochs: int = setting(20, "passes of a teacher that is trained here", at_least(1))
    cross_fit: int = setting(
        0, "parts of the training rows, each taught by a teacher trained on the others; 0: one "
        "teacher of all rows", within(0, 100),
    )  # fmt: skip
    stream: bool = setting(
        False, "leave the inputs of an .npz file on disk and read batches ahead; all seeds see the "
        "same ones",
    )  # fmt: skip
    out: str = place(
        "", "folder for the model card, table and student; one of an earlier run is replaced"
    )
    keep: str = place(
        "", "row whose student --out keeps, as --keep='soft targets, T=2' (default: the best on "
        "validation)",
    )  # fmt: skip
    formats: tuple[str, ...] = place(
        (), f"of the student in --out, some of {', '.join(FORMATS)} (default: stablehlo, and onnx "
        "where the network can be converted)",
    )  # fmt: skip

    PRESETS = {
        "default": {},
        "smoke": {"fast_compile": True, "seeds": 2, "epochs": 1, "temperatures": (2.0,)},
    }

    def __post_init__(self):
        object.__setattr__(self, "teacher", tuple(separate(self.teacher)))  # 64,64,64 is one's
        super().__post_init__()

    def validate(self):
        require(self.data, "--data is missing: expected a file or folder (--help lists the kinds)")
        require(self.cross_fit != 1, "--cross_fit=1: expected 2 parts or more, or 0")
        from kd_jax.data.preprocessing import near  # here, as --help needs no NumPy

        for name in self.methods:
            require(name in METHODS, f"--methods={name}: {near(name, METHODS, 'methods')}")
        keeps = f"--keep={self.keep} says which student --out keeps: give --out too"
        require(self.out or not self.keep, keeps)
        if self.formats:
            one_of(*FORMATS)("formats", self.formats)
        trained = any(name.startswith("train:") for name in self.teacher)
        alone = f"--cross_fit={self.cross_fit} is for teachers that are trained here"
        require(trained or not self.cross_fit, f"{alone}, as --teacher=train:mlp:64: leave it out")

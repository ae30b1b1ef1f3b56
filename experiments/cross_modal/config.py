"""Settings of cross-modal distillation."""

import dataclasses

from experiments.cross_modal.rows import CLASSES, RECORDINGS
from kd_jax import experiment
from kd_jax.errors import above_0, at_least, distinct, is_temperature, require
from kd_jax.experiment import place, setting


@dataclasses.dataclass(frozen=True)
class Config(experiment.TaughtConfig):
    """Settings of both parts, audio and images."""

    seeds: int = setting(6, "seeds per row; six test every speaker once", at_least(1))
    mnist_5k: bool = setting(False, "use the package's 5,000 digits instead of MNIST")
    labels: tuple[int, ...] = setting(
        (10, 50, 200), "how many examples have labels", distinct(at_least(1))
    )
    teacher_images: int = setting(20000, "images of the teachers", at_least(1))
    images: int = setting(2000, "images of the smaller convnet", at_least(1))
    validation: int = setting(2000, "images on which weights are chosen", at_least(1))
    teacher_epochs: int = setting(8, "epochs of the teachers", at_least(1))
    teacher_batch_size: int = setting(100, "images in a step of the teachers", at_least(1))
    teacher_learning_rate: float = setting(1e-3, "peak learning rate of the teachers", above_0)
    epochs: int = setting(10, "epochs of the students", at_least(1))
    batch_size: int = setting(64, "examples in a step of the students", at_least(2))
    learning_rate: float = setting(3e-3, "peak learning rate of the students", above_0)
    temperature: float = setting(
        4.0, "of soft targets and of the permuted teacher, beside soft targets at 1", is_temperature
    )
    multiples: tuple[float, ...] = setting(
        (0.1, 1.0, 10.0),
        "of each method's usual weight, of which validation chooses one",
        distinct(above_0),
    )
    workers: int = place(2, "trainings at a time; each keeps about one core busy", at_least(1))

    PRESETS = {
        "default": {},
        "smoke": dict(
            fast_compile=True, seeds=2, mnist_5k=True, labels=(50,), teacher_images=500,
            images=100, validation=100, teacher_epochs=1, epochs=1, multiples=(1.0,),
        ),
    }  # fmt: skip

    def validate(self):
        at = f"{self.temperature:g}"  # as the row is named
        require(at != "1", f"--temperature={at}: soft targets at 1 are a row already")
        given, most = f"--labels={','.join(map(str, self.labels))}", min(self.images, RECORDINGS)
        ascending = list(self.labels) == sorted(self.labels)
        require(ascending, f"{given}: expected ascending numbers")
        for count in self.labels:
            require(
                count < most and count % CLASSES == 0,
                f"{given}: {count} is no multiple of {CLASSES} from 1 to {most - 1}",
            )

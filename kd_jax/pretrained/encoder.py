"""`kd.Encoder`: the texts' vectors of a Hugging Face or sentence-transformers folder."""

import copy
import difflib
import functools
import os
import pathlib
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any

import jax
import numpy as np
from jaxtyping import Float
from tokenizers import normalizers

from kd_jax import paths
from kd_jax.data import padding
from kd_jax.errors import counted, require
from kd_jax.export import folders
from kd_jax.models.bert import Bert
from kd_jax.models.modernbert import ModernBert
from kd_jax.models.sentence import Head
from kd_jax.models.static import StaticEmbedding
from kd_jax.pretrained import bert, model_folder, modernbert, sentence_folder, static_embedding
from kd_jax.pretrained import tokenizer as tokenizers
from kd_jax.pretrained.bert_families import ARCHITECTURES
from kd_jax.pretrained.settings import Settings, shown
from kd_jax.runtime import compilation, progress

# what reads a folder, by its model_type
LOADERS = dict.fromkeys(ARCHITECTURES, bert.load) | {modernbert.KIND: modernbert.load}
SAVERS: dict[type, Callable] = {Bert: bert.save, ModernBert: modernbert.save}
TOKENIZED, TOKENS = 2**14, 2**12  # texts that are tokenized at once, tokens of a batch
DELAY = 3  # seconds before the bar shows


def load(folder: str | os.PathLike) -> tuple[Bert | ModernBert, Any]:
    """(network, params) of a folder with an encoder.

    Raises:
        InputError: it is of an unknown family, or damaged.
    """
    kind: Any = model_folder.config(folder).get("model_type")
    nearest = difflib.get_close_matches(str(kind), LOADERS, 1, 0.5)
    require(
        isinstance(kind, str) and kind in LOADERS,
        f"{folder}: model_type is '{shown(kind)}', expected one of {', '.join(LOADERS)}"
        + "".join(f"; the nearest is {name}" for name in nearest),
    )
    return LOADERS[kind](folder)


class Encoder:
    """A sentence encoder: its network, its tokenizer, and how it makes one vector of a text.

    Attributes:
        network: a Bert or a ModernBert.
        params: its parameters.
        head: how the tokens' vectors become one, a models.sentence.Head.
        head_params: those of the head's steps.
        tokenizer: of the library tokenizers.
        max_length: tokens of a text, the special ones among them; longer texts are cut.
        dimension: D, of a text's vector.
        prompts: {name: what stands before a text}.
        card: what `save` writes into README.md; "" for nothing.
    """

    card = ""

    def __init__(self, folder: str | os.PathLike):
        """The encoder of a folder, or of a name on the Hugging Face hub.

        A folder without modules.json is taken for a network alone: a text's vector is the mean of
        its tokens', as in sentence-transformers.

        Args:
            folder: as sentence-transformers or transformers writes it.

        Raises:
            InputError: a file of it is missing, damaged, or says what is not implemented.
        """
        self.folder = model_folder.find(folder)
        said = sentence_folder.read(self.folder)
        self.network, params = (static_embedding.load if said.static else load)(said.model)
        if not paths.has_file(self.folder / sentence_folder.MODULES):
            lacks = f"{folder} has no {sentence_folder.MODULES}"
            print(f"{lacks}: a text's vector is the mean of its tokens'", file=sys.stderr)
        width = self.network.width
        require(
            said.width in (0, width),
            f"{folder}: the pooling is of {said.width} numbers, the network of {width}",
        )
        self.params, self.head_params = jax.device_put((params, said.params))
        self.head, self.prompts = said.head, said.prompts
        self.dimension = said.dimension or width
        self.tokenizer, self._alone = tokenizers.load(said.model), threading.Lock()
        if said.lowercase:
            others = [self.tokenizer.normalizer] if self.tokenizer.normalizer else []
            self.tokenizer.normalizer = normalizers.Sequence([normalizers.Lowercase(), *others])
        self.max_length = min(_longest(said), self.network.longest)
        self._said = said._replace(width=width, max_length=self.max_length)

    def __repr__(self) -> str:
        size = f"{counted(self.network.layers, 'layer')} of {self.network.width}"
        return f"Encoder({str(self.folder)!r}: {size}, vectors of {self.dimension})"

    @property
    def static(self) -> bool:
        """Whether it is a table of tokens' vectors, which no special tokens are put around."""
        return self._said.static

    def embed(
        self, texts: str | Iterable[str], prompt_name: str | None = None
    ) -> Float[np.ndarray, "*N D"]:
        """The vectors of texts, float32.

        Args:
            texts: N texts; one text alone gives one vector [D].
            prompt_name: of the folder's prompt that is put before each text; None: its default one,
                where it has one.

        Raises:
            InputError: one of them is no text, or there is no such prompt.
        """
        if isinstance(texts, str):
            return self.embed([texts], prompt_name)[0]
        require(isinstance(texts, Iterable), f"texts is {texts!r:.60}: expected one text, or texts")
        texts, prompt = list(texts), self._prompt(prompt_name)
        for number, text in enumerate(texts):
            require(_is_text(text), f"texts[{number}] is {text!r:.60}, expected a text in Unicode")
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        with progress.bar("embedding", len(texts), "text", delay=DELAY) as report:
            for start in range(0, len(texts), TOKENIZED):
                part = slice(start, start + TOKENIZED)
                tokens = self.tokens(prompt + text for text in texts[part])
                vectors[part] = self.vectors(tokens, functools.partial(_told, report, start))
        return vectors

    def vectors(
        self, tokens: padding.Tokens, report: Callable[[int], Any] = int
    ) -> Float[np.ndarray, "N D"]:
        """The vectors of N texts that are tokens already.

        Args:
            tokens: as `tokens` gives them.
            report: is called with how many are done, after each batch.
        """
        vectors, done = np.zeros((len(tokens.ids), self.dimension), np.float32), 0
        for rows, batch in padding.by_tokens(tokens, TOKENS):
            program = _program(self.network, self.head, batch.ids.shape)
            found = program(self.params, self.head_params, *batch)
            vectors[rows] = found[: len(rows)]
            done += len(rows)
            report(done)
        return vectors

    def tokens(self, texts: Iterable[str]) -> padding.Tokens:
        """The Tokens of texts, as the folder says that they are read."""
        with self._alone:  # it is told how to cut, which another thread would undo
            return tokenizers.encode(
                self.tokenizer, texts, self.max_length, special=not self.static
            )

    def replaced(
        self, network: Any, params: Any, head: Head | None = None, head_params: Any = ()
    ) -> "Encoder":
        """An encoder with the tokenizer and prompts of this one: a student, say.

        Args:
            network: its own; a StaticEmbedding reads texts of any length without special tokens.
            params: its parameters.
            head: how its tokens' vectors become one; None: as this one's.
            head_params: of the steps of that.
        """
        other, static = copy.copy(self), isinstance(network, StaticEmbedding)
        other.card = ""
        other.network, other.params = network, jax.device_put(params)
        if head is not None:
            other.head, other.head_params = head, jax.device_put(head_params)
        kernels = [np.shape(own["kernel"])[1] for own in other.head_params if "kernel" in own]
        other.dimension = [network.width * len(other.head.poolings), *kernels][-1]
        other.max_length = network.longest if static else self.max_length
        other._said = self._said._replace(
            head=other.head, params=other.head_params, width=network.width, static=static,
            max_length=other.max_length, dimension=other.dimension,
        )  # fmt: skip
        return other

    def save(self, folder: str | os.PathLike, network: Any = None, params: Any = None) -> None:
        """Write the encoder as a folder for sentence-transformers, transformers and kd.Encoder.

        Args:
            folder: a new one, or one that this has written and nobody has changed: it is replaced,
                whole or not at all. That of a run, --out, is refused.
            network: another one in its place, such as a student with fewer layers.
            params: of that one.

        Raises:
            InputError: the folder holds other files, or cannot be written.
        """
        with folders.written_whole(paths.given(folder), "kd.Encoder.save") as new:
            self.write(new, network, params)

    def write(self, folder: pathlib.Path, network: Any = None, params: Any = None) -> None:
        """Write the files of `save` beside what lies in a folder.

        Args:
            folder: as for `save`, like the next; is made when missing.
            network: in its place.
            params: of that one.
        """
        network, params = (network or self.network), (self.params if params is None else params)
        if self.static:
            static_embedding.save(folder, params, self.tokenizer)
        else:
            SAVERS[type(network)](folder, network, params, self._said.model)
        sentence_folder.write(folder, self._said)
        if self.card:
            (folder / "README.md").write_text(self.card, encoding="utf-8")

    def _prompt(self, name):
        name = self._said.default_prompt if name is None else name
        if name is None:
            return ""
        known = ", ".join(self.prompts) or "none"
        require(name in self.prompts, f"prompt_name is {name!r:.60}, the folder has: {known}")
        require(
            self._said.pools_prompts or not self.prompts[name],
            f"{self.folder}: include_prompt of the pooling is false, expected true: to leave out a "
            "prompt's tokens is not implemented",
        )
        return self.prompts[name]


def _told(report, before, done):
    report(before + done)


def _is_text(text):
    try:
        text.encode()
    except (AttributeError, UnicodeEncodeError):  # of half a character
        return False
    return isinstance(text, str)


@functools.lru_cache(maxsize=256)
def _program(network, head, shape):
    """The compiled encoder of a network and a head, for texts of one shape."""

    def vectors(params, head_params, ids, mask):
        hidden: Any = network.apply({"params": params}, ids, mask)
        return head(head_params, hidden[-1], mask)

    return compilation.kept_jit(vectors)


def _longest(said):
    """Tokens of a text: what the folder says, or else its tokenizer."""
    path = said.model / "tokenizer_config.json"
    found = Settings(model_folder.json_object(path) if paths.has_file(path) else {}, path)
    found.neutral({"truncation_side": ("right",)})
    if said.max_length is not None:
        return said.max_length
    most = found.get("model_max_length")
    return most if isinstance(most, int) and most > 0 else sys.maxsize

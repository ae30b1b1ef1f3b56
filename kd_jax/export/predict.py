"""Predict with the student of this folder: python predict.py new.csv

Reads what the student learned from: a table .csv or .tsv whose header names the columns, image
files or a folder of them, or a .npz file with the array "inputs" [N, …]. Prints csv: the most
probable class of each row and the probability of every class, for images with the file's name
before. Needs numpy and onnxruntime (or jax, where student.stablehlo is alone), and Pillow for
images; no kd_jax.
"""

import csv
import importlib.util
import json
import os
import pathlib
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

HERE = pathlib.Path(__file__).parent
BATCH = 128
Batch = tuple[list[str], np.ndarray]  # names of files, [] where rows have none; and inputs


def checked(inputs: np.ndarray, shape: Sequence[int], dtype: str) -> np.ndarray:
    """Inputs as a network takes them.

    Args:
        inputs: [N, …].
        shape: of one input.
        dtype: "float32" or "uint8".

    Raises:
        ValueError: they have another shape, are no numbers, or not of that type.
    """
    inputs, expected = np.asarray(inputs), f"[N{''.join(f', {n}' for n in shape)}]"
    if inputs.ndim == 0 or list(inputs.shape[1:]) != list(shape):
        raise ValueError(f"inputs have the shape {list(inputs.shape)}: expected {expected}")
    fits = inputs.dtype == np.uint8 if dtype == "uint8" else inputs.dtype.kind in "biuf"
    if not fits:
        raise ValueError(f"inputs are {inputs.dtype}: expected {dtype} {expected}")
    if inputs.dtype != np.uint8:
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes inf, and is named
            inputs = inputs.astype(np.float32)
        bad = np.flatnonzero(~np.isfinite(inputs).all(tuple(range(1, inputs.ndim))))
        if len(bad):
            raise ValueError(f"inputs have NaN or infinity in row {bad[0]}: expected finite ones")
    return inputs.astype(dtype)


def probabilities(logits: np.ndarray) -> np.ndarray:
    """The softmax [N, C] of logits, in float64."""
    shifted = np.asarray(logits, np.float64)
    powers = np.exp(shifted - shifted.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def network(folder: pathlib.Path) -> Callable[[np.ndarray], np.ndarray]:
    """The function inputs -> logits of a folder's student.onnx, or of its student.stablehlo.

    Raises:
        ValueError: none is there, none has its packages, or it is damaged.
    """
    known = [("student.onnx", "onnxruntime", _onnx), ("student.stablehlo", "jax", _stablehlo)]
    there = [each for each in known if (folder / each[0]).exists()]
    _require(there, f"{folder} holds neither student.onnx nor student.stablehlo: export it again")
    usable = [each for each in there if importlib.util.find_spec(each[1])]
    name, package, _ = there[0]
    _require(usable, f"{name} needs a package: pip install {package}")
    name, _, read = usable[0]
    try:
        return read(folder / name)
    except Exception as error:  # onnxruntime and the compiler raise their own
        why = _brief(error)
        raise ValueError(f"{folder / name} is unreadable ({why}): export it again") from None


def _onnx(path):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors
    providers = ["CPUExecutionProvider"]
    session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=providers)
    return lambda inputs: session.run(None, {"inputs": inputs})[0]


def _stablehlo(path):
    import jax
    import jax.export

    call = jax.jit(jax.export.deserialize(bytearray(path.read_bytes())).call)
    return lambda inputs: np.asarray(call(inputs))


def batches(paths: Sequence[str], settings: dict[str, Any]) -> Iterator[Batch]:
    """What a network is to be asked: names of files, if they are images, and inputs.

    Args:
        paths: of files, or of a folder of images.
        settings: of preprocessing.json.

    Raises:
        ValueError: they cannot be read, or are not what the network learned from.
    """
    how = settings["preprocessing"]
    for path in paths:
        _require(os.path.exists(path), f"there is no file {path}: check the path")
    suffixes = {pathlib.Path(path).suffix.lower() for path in paths}
    if how["kind"] == "images" and suffixes != {".npz"}:
        yield from _images(paths, how["size"], settings["shape"])
        return
    _require(len(paths) == 1, f"{len(paths)} files are given: expected one")
    read = _table if how["kind"] == "table" and suffixes != {".npz"} else _arrays
    inputs = checked(read(paths[0], how), settings["shape"], settings["dtype"])
    for first in range(0, len(inputs), BATCH):
        yield [], inputs[first : first + BATCH]


def _beside(name):
    """A file that lies beside this one; in the package that it was copied from, one of data."""
    return importlib.import_module(f"kd_jax.data.{name}" if __package__ else name)


def _table(path, how):
    expected = "expected a table .csv or .tsv; save it as .csv"
    _require(path.lower().endswith((".csv", ".tsv")), f"{path} is not read here: {expected}")
    preprocessing = _beside("preprocessing")
    return preprocessing.apply(how, preprocessing.read_csv(path, skip_nameless=True))


def _arrays(path, how):
    expected = 'expected a .npz file with the array "inputs"'
    _require(path.lower().endswith(".npz"), f"{path} is not read here: {expected}")
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as stored:
            found = [stored[name] for name in stored.files if name == "inputs"]
    except Exception as error:  # zipfile, zlib and numpy each raise their own
        raise ValueError(f"{path} is unreadable ({_brief(error)}): {expected}") from None
    _require(found, f"{path} holds no inputs: {expected}")
    return found[0]


def _images(paths, size, shape):
    """Batches of images, decoded as for training."""
    names = _beside("image_names")
    _require(importlib.util.find_spec("PIL"), "images need a package: pip install pillow")
    decode = _beside("image_decoding").decode
    expected = f"expected a folder, or files {' '.join(names.SUFFIXES)}"
    files = [(path, path) for path in paths]  # as they are shown, and where they are
    if len(paths) == 1 and os.path.isdir(paths[0]):
        inside = sorted(filter(names.is_image, names.listed(paths[0])[0]))
        files = [(name, os.path.join(paths[0], name)) for name in inside]
        _require(files, f"{paths[0]} holds no images: {expected}")
    for name, _ in files:
        _require(names.is_image(name), f"{name} is no image: {expected}")
    for first in range(0, len(files), BATCH):
        block = files[first : first + BATCH]
        pixels = [_pixels(decode, path, size, shape) for _, path in block]
        yield [name for name, _ in block], np.stack(pixels)


def _pixels(decode, path, size, shape):
    """The pixels of an image file as [H, W, C] of a network, which repeats gray as colors."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's, of odd files that it reads nevertheless
            pixels = decode(pathlib.Path(path).read_bytes(), size)
    except Exception as error:  # each format raises its own
        why = _brief(error)
        raise ValueError(f"{path} is unreadable ({why}): restore it or leave it out") from None
    height, width, channels = shape
    colors = f"{path} has colors and the student learned from gray images: make it gray"
    _require(pixels.shape[2] <= channels, colors)
    found = f"{path} has {pixels.shape[1]} × {pixels.shape[0]} pixels"
    _require(pixels.shape[:2] == (height, width), f"{found}: expected {width} × {height}")
    return np.broadcast_to(pixels, shape)


def write(file: Any, classes: Sequence[str], names: Sequence[str], logits: np.ndarray) -> None:
    """Print csv of predictions.

    Args:
        file: to write to.
        classes: names of the C classes.
        names: of the N files, [] where rows have none.
        logits: [N, C].
    """
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow([*(["file"] if names else []), "label", *(f"p({name})" for name in classes)])
    firsts = [[name] for name in names] or [[]] * len(logits)
    for first, most, each in zip(firsts, logits.argmax(-1), probabilities(logits)):
        rows.writerow([*first, classes[most], *(f"{p:.6g}" for p in each)])


def main(paths: Sequence[str]) -> None:
    """Print the predictions for files; ValueError where that cannot be done."""
    settings = _settings(HERE / "preprocessing.json")
    names, logits, call = [], [], None
    for files, inputs in batches(paths, settings):
        call = call or network(HERE)
        names += files
        logits.append(call(inputs))
    _require(logits, f"{paths[0]} has no rows: expected at least one")
    found = np.concatenate(logits)
    _require(not np.isnan(found).any(), "the network gives NaN: are the inputs far from usual?")
    write(sys.stdout, settings["classes"], names, found)
    sys.stdout.flush()


def _settings(path):
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {name: found[name] for name in ("preprocessing", "shape", "dtype", "classes")}
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ValueError(f"{path} is unreadable ({_brief(error)}): export it again") from None


def _require(condition, message):
    if not condition:
        raise ValueError(message)


def _brief(error):
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 160 else f"{text[:159]}…"


def _in_one_line(text):
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def _run(paths: Sequence[str]) -> int:
    """Run the program; the exit code."""
    for name, errors in (("stdout", "surrogateescape"), ("stderr", "backslashreplace")):
        file = getattr(sys, name) or open(os.devnull, "w")  # where it was closed
        file.reconfigure(encoding="utf-8", errors=errors, newline="\n")
        setattr(sys, name, file)
    if not paths or paths[0] in ("-h", "--help"):
        if not paths:
            _complain(__doc__.rstrip())
            return 2
        print(__doc__, end="")
        return 0
    sys.dont_write_bytecode = True  # this folder stays as it is
    sys.path.insert(0, str(HERE))
    try:
        main(paths)
    except BrokenPipeError:  # who reads has seen enough, as `| head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (ValueError, OSError, ImportError) as error:
        _complain(f"error: {_in_one_line(str(error))}")
        _print_nothing_more(sys.stdout)
        return 2
    return 0


def _complain(line: str) -> None:
    """Say a line on standard error; where that is full it is lost, and the exit code is not."""
    try:
        print(line, file=sys.stderr, flush=True)
    except OSError:
        _print_nothing_more(sys.stderr)


def _print_nothing_more(file: Any) -> None:
    """Else Python, as it ends, writes the rest, and says that it could not."""
    try:
        file.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), file.fileno())


if __name__ == "__main__":
    sys.exit(_run(sys.argv[1:]))

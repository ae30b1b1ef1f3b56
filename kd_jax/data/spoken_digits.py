"""The Free Spoken Digit Dataset: 3,000 recordings of ten digits by six speakers, at 8 kHz.

The archives are read where they lie; nothing is extracted.
"""

import hashlib
import io
import pathlib
import re
import tarfile
import wave
import zlib
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from kd_jax.data import download
from kd_jax.data.dataset import check_digest
from kd_jax.errors import InputError, require

RATE, MAX_BYTES = 8000, 4_000_000  # samples per second; bytes of one recording
SPEAKERS, DIGITS, TAKES = 6, 10, 50
URL = "https://github.com/Jakobovski/free-spoken-digit-dataset/archive/refs/tags/v1.0.10.tar.gz"
ARCHIVE = "free-spoken-digit-dataset-1.0.10.tar.gz"  # the name that a browser gives it
DIGEST = "986cf460f4ba6a04e34b434d6574f4225c8add277f1fe8a8a3e73631fefef832"
NAME = re.compile(r"(\d)_([a-z]+)_(\d+)\.wav")


class Recording(NamedTuple):
    """One spoken digit.

    take: 0, 1, … of its speaker. samples: float32 in [−1, 1).
    """

    digit: int
    speaker: str
    take: int
    samples: Float[np.ndarray, " N"]


def load(data_dir: str = "", manual_dir: str = "") -> tuple[list[Recording], str]:
    """Read all recordings, sorted by digit, speaker and take.

    Args:
        data_dir: a download is kept in its folder "fsdd"; "" is the user's folder of
            tensorflow-datasets.
        manual_dir: folder with the published .tar.gz archive, or several that together hold all
            recordings, or with a folder "fsdd" of these; "" downloads it once to data_dir/fsdd.

    Returns:
        The recordings, and the digest of their names and samples.

    Raises:
        InputError: an archive is damaged, a recording is not what was published, a member of an
            archive would lie outside of it, or the download fails.
    """
    folder = download.folder("fsdd", URL, [ARCHIVE], data_dir, manual_dir)
    archives = sorted(folder.glob("*.tar.gz"))
    require(archives, f"{folder} holds no .tar.gz: expected the archive of {URL}")
    found = {}
    for path in archives:
        found |= _read(path)
    wanted = SPEAKERS * DIGITS * TAKES
    where = f"the archives in {folder}" if len(archives) > 1 else f"{archives[0]}"
    require(
        len(found) == wanted,
        f"{where} hold {len(found)} recordings, expected {wanted}: take version 1.0.10, {URL}",
    )
    recordings = [found[key] for key in sorted(found)]
    digest = _digest(recordings)
    check_digest(where, digest, DIGEST)
    return recordings, digest


def _read(path):
    """{(digit, speaker, take): Recording} of one archive."""
    found = {}
    try:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                name = pathlib.PurePosixPath(member.name)
                inside = not name.is_absolute() and ".." not in name.parts
                require(inside, f"{path}: its member {member.name} would lie outside: not read")
                match = NAME.fullmatch(name.name)
                file = archive.extractfile(member) if member.isfile() else None
                if not match or not file:
                    continue
                require(
                    member.size <= MAX_BYTES, f"{path}: {member.name} claims {member.size} bytes"
                )
                key = int(match[1]), match[2], int(match[3])
                found[key] = Recording(*key, samples(file.read(), f"{member.name} in {path}"))
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise InputError(f"{path} is damaged ({error}): get it again from {URL}") from None
    return found


def samples(content: bytes, name: str) -> Float[np.ndarray, " N"]:
    """The samples of a wav file's bytes: 8 kHz, one channel, 16 bits.

    Args:
        content: of the file.
        name: what an error calls it.

    Raises:
        InputError: it is damaged, empty or of another form.
    """
    try:
        with wave.open(io.BytesIO(content)) as file:
            form = file.getframerate(), file.getnchannels(), file.getsampwidth()
            claimed, data = file.getnframes(), file.readframes(file.getnframes())
    except (wave.Error, EOFError, RuntimeError) as error:  # the last where a size is a lie
        raise InputError(f"{name} is no readable wav file ({error!r}): restore it") from None
    require(
        form == (RATE, 1, 2),
        f"{name} has {form[0]} Hz, {form[1]} channels, {8 * form[2]} bits: expected 8000, 1, 16",
    )
    require(
        0 < claimed == len(data) // 2,
        f"{name} holds {len(data) // 2} samples and claims {claimed}: it is damaged",
    )
    return np.frombuffer(data, "<i2").astype(np.float32) / 2**15


def _digest(recordings):
    summed = hashlib.sha256()
    for each in recordings:
        summed.update(f"{each.digit}_{each.speaker}_{each.take}".encode())
        summed.update(each.samples.tobytes())
    return summed.hexdigest()

"""Why a command ends: one line and an exit code for whatever can be foreseen."""

import errno

from kd_jax.errors import InputError, brief
from kd_jax.runtime import memory, signals

# a full disk, a quota, a limit of file sizes, a folder that is read-only or somebody else's
NO_ROOM = errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM
NO_FOLDER = errno.ENOTDIR, errno.EEXIST, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP


def of(error: BaseException) -> tuple[str | None, int]:
    """(the line that says why a command ends, its exit code); (None, 1) for a fault of ours."""
    if isinstance(error, InputError):
        return f"error: {error}", 2
    if isinstance(error, signals.Interrupted):
        return "\ninterrupted: the same command goes on where it was", 128 + error.signum
    if isinstance(error, BrokenPipeError):  # `| head` has seen enough
        return "nobody reads what is printed here: the same command goes on where it was", 141
    if isinstance(error, OSError) and error.errno in NO_ROOM + NO_FOLDER:
        where = f" to {error.filename}" if error.filename else ""
        return (
            f"error: cannot write{where} ({error.strerror}): make room or choose another folder "
            "with --workdir or --data_dir; what was written before is whole"
        ), 2
    if memory.exhausted(error):
        return f"error: {memory.ADVICE} ({brief(error)})", 2
    return None, 1

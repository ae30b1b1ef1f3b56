"""Limits of a process that JAX does not survive, told before it is loaded."""

from kd_jax.errors import require

ADDRESSES = 2 * 2**30  # bytes; with less JAX aborts without a word, or waits without end
DATA = 2**30  # bytes; with less it cannot start its threads
FILES = 32  # open at a time


def check() -> None:
    """InputError where this process may not use what JAX needs to begin."""
    try:
        import resource  # which Windows lacks
    except ImportError:
        return
    for limit, least, line in [
        (resource.RLIMIT_AS, ADDRESSES, "ulimit -v: {:.1f} GiB of addresses, expected 2 or more"),
        (resource.RLIMIT_DATA, DATA, "ulimit -d: {:.1f} GiB of data, expected 1 or more"),
        (resource.RLIMIT_NOFILE, FILES, "ulimit -n: {:.0f} open files, expected 32 or more"),
    ]:
        soft = resource.getrlimit(limit)[0]
        shown = soft if limit == resource.RLIMIT_NOFILE else soft / 2**30
        allowed = soft == resource.RLIM_INFINITY or soft >= least
        require(allowed, line.format(shown) + ": raise the limit of this shell")

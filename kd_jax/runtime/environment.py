"""What JAX and XLA read from the environment: what they, or we, cannot work with is one line."""

import os
import subprocess
import sys

from kd_jax import paths
from kd_jax.errors import InputError, brief, require

# settings for debugging that refuse what programs here do, and the values that do not
WORKABLE = {
    "jax_disable_jit": (False,),
    "jax_debug_key_reuse": (False,),
    "jax_numpy_rank_promotion": ("allow", "warn"),
    "jax_numpy_dtype_promotion": ("standard",),
    "jax_transfer_guard": ("allow", "log", "log_explicit", None),
}
# XLA ends a process whose flags it does not know, when it first needs them
PARSE = (
    "from jaxlib.xla_client import CompileOptions as C; C().executable_build_options.debug_options"
)


def check() -> None:
    """Load JAX; InputError where it refuses a variable, or one asks for what cannot work here."""
    for name, value in os.environ.items():
        if name.startswith(("JAX_", "XLA_")):
            paths.check_utf8("the variable", f"{name}={value}")
    _check_flags_of_xla()
    try:
        import jax
    except ValueError as error:
        raise InputError(f"JAX cannot begin ({brief(error)}): correct that or unset it") from None
    for name, values in WORKABLE.items():
        given, known = getattr(jax.config, name, values[0]), " or ".join(map(str, values))
        require(given in values, f"{name.upper()}={given}: expected {known}; unset it")
    count = getattr(jax.config, "jax_num_cpu_devices", -1)
    require(count == -1 or count > 0, f"JAX_NUM_CPU_DEVICES={count}: expected 1 or more; unset it")


def _check_flags_of_xla():
    """InputError if XLA ends a process that has these flags."""
    flags = os.environ.get("XLA_FLAGS", "")
    if not flags:
        return
    tried = subprocess.run([sys.executable, "-c", PARSE], capture_output=True, check=False)
    said = [line for line in tried.stderr.decode(errors="replace").splitlines() if "] " in line]
    why = said[0].split("] ", 1)[1] if said else ""
    require(
        tried.returncode == 0 or not why,  # without a word it is no matter of flags
        f"XLA_FLAGS={flags[:200]}: XLA refuses it ({why[:160]}); correct it or unset it",
    )

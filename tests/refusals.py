"""What an input error looks like: one line, which says what is wrong."""

import pytest

from kd_jax.errors import InputError


def refused(match, call, *arguments, **options):
    with pytest.raises(InputError, match=match) as error:
        call(*arguments, **options)
    assert "\n" not in str(error.value)

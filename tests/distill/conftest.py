"""Networks of these tests begin with numbers that NumPy draws, which is not what they are about."""

import in_process
import pytest


@pytest.fixture(scope="module", autouse=True)  # a package goes on while other files run
def _drawn_by_numpy():
    with pytest.MonkeyPatch.context() as patch:
        in_process.drawn_by_numpy(patch)
        yield

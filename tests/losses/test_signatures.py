"""docs/losses.md shows every loss as it is called."""

import inspect
import pathlib

import pytest

from kd_jax import losses

PAGE = (pathlib.Path(__file__).parents[2] / "docs" / "losses.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(losses.__all__))
def test_a_loss_is_called_as_the_page_says(name):
    signature = inspect.signature(getattr(losses, name))
    plain = [
        each.replace(annotation=inspect.Parameter.empty) for each in signature.parameters.values()
    ]
    blocks = [" ".join(x.split("```")[0].split()) for x in PAGE.split("```python\n")[1:]]
    shown = next(block for block in blocks if "losses.soft_targets(" not in block)
    assert f" {name}{inspect.Signature(plain)} " in f" {shown} "

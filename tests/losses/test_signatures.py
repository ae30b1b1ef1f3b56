"""docs/losses.md shows every loss as it is called, when to use it, and its paper."""

import inspect
import pathlib
import re

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


@pytest.mark.parametrize("name", sorted({*losses.__all__} - {"as_logits", "masked_mean"}))
def test_the_page_says_when_a_loss_is_used_and_links_its_papers(name):
    section = PAGE.split("## Which one, when")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    (row,) = [line for line in rows if f"`{name}`" in line.split("|")[1]]
    papers = re.findall(r"arXiv\s+(\d{4}\.\d+)", getattr(losses, name).__doc__)
    assert {*re.findall(r"arxiv\.org/abs/([\d.]+)", row)} == {*papers}

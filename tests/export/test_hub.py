"""A model card's head is YAML that the hub reads, and a folder is uploaded only when asked for."""

import subprocess
import sys
import types

import pytest

from experiments.export import run as export_run
from experiments.export.config import Config
from kd_jax.errors import InputError
from kd_jax.export import folders, hub


class FakeApi:
    """Remembers what it was asked for; refuses what `refused` names."""

    calls: list = []
    refused = ""

    def __getattr__(self, name):
        def answer(**arguments):
            FakeApi.calls.append((name, arguments))
            if name == FakeApi.refused:
                raise RuntimeError("403 Forbidden:\n you may not")

        return answer


@pytest.fixture
def fake(monkeypatch):
    """The hub's package, signed in; (calls, set of what is refused)."""
    FakeApi.calls, FakeApi.refused = [], ""
    module = types.SimpleNamespace(HfApi=FakeApi, get_token=lambda: "hf_x")
    monkeypatch.setitem(sys.modules, "huggingface_hub", module)
    return module


@pytest.fixture
def student(tmp_path):
    (tmp_path / "README.md").write_text("a card")
    return tmp_path


def test_a_folder_is_uploaded_to_a_private_repository(fake, student, capsys):
    config = Config(out=str(student), push="me/small")
    config.validate()
    export_run.run(config, None)
    assert capsys.readouterr().out == "https://huggingface.co/me/small\n"
    (_, _), (made, repository), (uploaded, files) = FakeApi.calls
    assert made == "create_repo" and uploaded == "upload_folder"
    assert repository == {"repo_id": "me/small", "private": True, "exist_ok": True}
    assert files["repo_id"] == "me/small" and files["folder_path"] == str(student)
    assert files["ignore_patterns"] == [folders.LIST]


def test_no_token_is_one_line_before_anything_is_asked(fake, student):
    fake.get_token = lambda: None
    with pytest.raises(InputError, match="--push=me/small: there is no token; sign in") as error:
        export_run.run(Config(out=str(student), push="me/small"), None)
    assert "\n" not in str(error.value) and FakeApi.calls == []


@pytest.mark.parametrize("refused", ["whoami", "create_repo", "upload_folder"])
def test_a_refusal_is_one_line(fake, student, refused):
    FakeApi.refused = refused
    with pytest.raises(InputError, match="403 Forbidden: you may not") as error:
        export_run.run(Config(out=str(student), push="me/small"), None)
    assert "\n" not in str(error.value) and FakeApi.calls[-1][0] == refused


def test_a_package_that_is_not_there_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(InputError, match=r'huggingface_hub is not .*"kd_jax\[text\]"'):
        hub.client("me/small")


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"push": "small", "out": "x"}, "--push=small: expected .* owner/name"),
        ({"push": "me/small"}, "--out= has no README.md"),
        ({"push": "me/small", "run": "runs/x"}, "--push needs --row"),
        ({}, "--run is missing"),
    ],
)
def test_wrong_settings_are_refused_before_work(settings, says, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=says):
        hub.check_name("push", settings.get("push", ""))
        Config(**settings).validate()


def test_without_push_the_package_is_not_even_imported():
    code = "import sys, experiments.export.run; assert 'huggingface_hub' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_hub_reads_the_head_of_a_card(tmp_path):
    hub_package = pytest.importorskip("huggingface_hub")
    text = hub.front_matter(
        "transformers", task="text-generation", tags=["a"], metrics=["accuracy"]
    )
    (tmp_path / "README.md").write_text(f"{text}# A card\n")
    found = hub_package.metadata_load(tmp_path / "README.md")
    assert found == {
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["knowledge-distillation", "a"],
        "metrics": ["accuracy"],
    }
    bare = hub.front_matter("kd_jax")
    assert bare.startswith("---\nlibrary_name: kd_jax\ntags:\n- knowledge-distillation\n")
    assert bare.endswith("\n---\n\n") and "\nlicense" not in text + bare

"""Which image belongs to which part and class, by the folders that it lies in.

    cat/… dog/…                                the classes, all for training
    train/cat/… train/dog/… test/cat/…         the parts, and in each the classes

A single folder around all of it, as zips have it, is looked through.
"""

import pathlib
from collections.abc import Collection

from kd_jax.errors import require

PARTS = {
    "train": "train", "training": "train",
    "validation": "validation", "val": "validation", "valid": "validation",
    "test": "test", "testing": "test",
}  # fmt: skip
ORDER = ("train", "validation", "test")
Arranged = dict[str, dict[str, list[str]]]


def arranged(path: pathlib.Path, images: list[str], folders: Collection[str]) -> Arranged:
    """The images of each part and class.

    Folders are parts if all of the uppermost ones are named so (see PARTS, in any case of letters).
    Images may lie in folders within their class's.

    Args:
        path: what was listed, for messages.
        images: their names, relative to it.
        folders: names of all folders, those without images too.

    Returns:
        {part: {class: names}}, parts in the order of ORDER, classes and names sorted as text.
        Without folders of parts everything is "train".

    Raises:
        InputError: an image lies in no class folder, or a class folder has none; there is one class
            only; folders of parts stand beside others, or a part is there twice, or not "train";
            a part has a class that "train" lacks.
    """
    images = sorted(images)
    top = _unwrapped(images, folders)
    names = _children(folders, top)
    found = {"train": top}
    if names and all(name.lower() in PARTS for name in names):
        found = _parts(path, top, names)
    else:
        _check_not_mixed(path, images, top, names)
    parts = {part: _classes(path, images, folders, found[part]) for part in ORDER if part in found}
    known = parts["train"]
    only = ", ".join(known)
    require(len(known) > 1, f"{path} has one class only, {only}: expected a folder for each of two")
    for part, classes in parts.items():
        for name in classes:
            there = found[part] + name
            require(
                name in known,
                f"{path}: the class {there} is not in {found['train'] or path.name}: "
                "expected only classes to train on; move or delete it",
            )
    return parts


def some(names: list[str]) -> str:
    """The first three names, and how many there are besides."""
    more = f" and {len(names) - 3:,} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _children(folders, top):
    """The folders directly below a prefix, which is "" or ends in "/"."""
    below = {name[len(top) :].split("/")[0] for name in folders if name.startswith(top)}
    return sorted(below - {""})


def _loose(images, top):
    """The first image directly below a prefix, or None."""
    below = (name for name in images if name.startswith(top))
    return next((name for name in below if "/" not in name[len(top) :]), None)


def _unwrapped(images, folders):
    """The prefix below which parts or classes are: what lies within single folders."""
    top = ""
    while True:
        names = _children(folders, top)
        if len(names) != 1 or _loose(images, top) or names[0].lower() in PARTS:
            return top
        below = f"{top}{names[0]}/"
        if _loose(images, below):  # a class
            return top
        top = below


def _parts(path, top, names):
    """{part: prefix of its folder}."""
    found = {}
    for name in names:
        part = PARTS[name.lower()]
        there, other = f"{top}{name}/", found.get(part)
        require(other is None, f"{path}: {other} and {there} are both {part}: expected one of them")
        found[part] = there
    shown = ", ".join(found.values())
    require("train" in found, f"{path} has {shown} and no train/: expected images to train on")
    return found


def _check_not_mixed(path, images, top, names):
    """A folder "train" with folders in it beside others; with images in it, it is of railways."""
    for name in names:
        below = f"{top}{name}/"
        part = name.lower() in PARTS and not _loose(images, below)
        other = next((each for each in names if each.lower() not in PARTS), "")
        require(
            not part,
            f"{path}: {below} and {top}{other}/ lie side by side: expected parts only "
            "(train, validation, test) or classes only; move or delete the others",
        )


def _classes(path, images, folders, top):
    """{class: names} of the class folders below a prefix."""
    loose = _loose(images, top)
    require(
        loose is None,
        f"{path}: the image {loose} lies in no class folder: expected one folder for each class, "
        f"like {top}cat/ and {top}dog/",
    )
    found = {name: [] for name in _children(folders, top)}
    for name in images:
        if name.startswith(top):
            found[name[len(top) :].split("/")[0]].append(name)
    empty = next((name for name, inside in found.items() if not inside), None)
    require(
        empty is None,
        f"{path}: the class folder {top}{empty} holds no images: put some there or delete it",
    )
    require(found, f"{path}: {top} holds no class folders: put some there or delete it")
    return found

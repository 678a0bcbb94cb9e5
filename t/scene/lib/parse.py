# SPDX-License-Identifier: MIT
"""parse: a .scene file becomes Scenes of steps. What the steps mean is in sentences.py."""

import re
from dataclasses import dataclass, field

HEADERS = ("Scene", "XEP", "RFC", "Modules", "Setting", "Server", "Shards")
NAME = r"[A-Z]\w*"
NAMES = rf"{NAME}(?:, {NAME})*(?:,? and {NAME})?"


class SceneError(Exception):
    """The scene itself is wrong."""


@dataclass
class Step:
    line: int
    sentence: str       # without the colon that announces a block
    block: str          # the indented lines below, "" if none


@dataclass
class Scene:
    path: str
    title: str = ""
    proves: list = field(default_factory=list)      # XEPs and RFCs
    modules: list = field(default_factory=list)
    settings: list = field(default_factory=list)    # [key, value]
    own_server: bool = False
    shards: int = 0
    cast: dict = field(default_factory=dict)        # name: JID as written
    steps: list = field(default_factory=list)
    host: str = ""
    other_host: str = ""

    @property
    def federated(self):
        """It speaks of `there`, so it needs a second server."""
        texts = list(self.cast.values()) + [s.sentence + "\n" + s.block for s in self.steps]
        return any(re.search(r"""(?<![\w.-])there(?=[/"'<\s]|$)""", text) for text in texts)


def names_of(text):
    return re.findall(NAME, re.sub(r"\band\b", ",", text))


def read_scenes(path):
    with open(path, encoding="utf-8") as file:
        return parse_scenes(file.read(), path)


def parse_scenes(text, path="scene"):
    """A file may hold several scenes; each begins with its title and has a head of its own."""
    scenes = []
    lines = text.split("\n")
    i = 0
    while i < len(lines):
        line, number = lines[i].rstrip(), i + 1
        i += 1
        if not line or line.startswith("#"):
            continue
        if line[0] in " \t":
            raise SceneError(f"{path}:{number}: an indented line belongs to no sentence")
        header = re.match(r"([A-Z]\w*):(?: (.*))?$", line)
        if header and header[1] == "Scene":
            scenes.append(Scene(path, (header[2] or "").strip()))
        if not scenes or not scenes[-1].title:
            raise SceneError(f"{path}:{number}: a scene begins with `Scene:` and a title")
        scene = scenes[-1]
        if header and header[1] in HEADERS:
            read_header(scene, header[1], (header[2] or "").strip(), number)
            continue
        block, i = read_block(lines, i)
        if line == "Cast:":
            read_cast(scene, block, number)
        elif line.endswith(":"):
            if not block.strip():
                raise SceneError(f"{path}:{number}: nothing follows {line!r}")
            scene.steps.append(Step(number, line[:-1], block))
        elif block.strip():
            raise SceneError(f"{path}:{number}: {line!r} needs a colon before its block")
        else:
            scene.steps.append(Step(number, line, ""))
    if not scenes:
        raise SceneError(f"{path}: there is no scene in it")
    return scenes


def read_block(lines, i):
    block = []
    while i < len(lines) and (not lines[i].strip() or lines[i][0] in " \t"):
        block.append(lines[i])
        i += 1
    return "\n".join(block), i


def read_header(scene, key, value, number):
    if key == "Scene":
        return
    if key in ("XEP", "RFC"):
        scene.proves += [f"{key}-{v.strip()}" for v in value.split(",")]
    elif key == "Modules":
        scene.modules += value.replace(",", " ").split()
    elif key == "Setting":
        name, equals, what = value.partition("=")
        if not equals:
            raise SceneError(f"{scene.path}:{number}: a setting is key = value")
        scene.settings.append([name.strip(), what.strip()])
    elif key == "Shards":
        scene.shards, scene.own_server = int(value), True
    elif value != "own":
        raise SceneError(f"{scene.path}:{number}: Server: can only be `own`")
    else:
        scene.own_server = True


def read_cast(scene, block, number):
    for offset, line in enumerate(block.split("\n")):
        words = line.split("#")[0].split()
        if not words:
            continue
        if len(words) != 2 or not re.fullmatch(NAME, words[0]):
            raise SceneError(f"{scene.path}:{number + 1 + offset}: a member of the cast is a "
                             f"capitalised name and a JID, not {line.strip()!r}")
        scene.cast[words[0]] = words[1]

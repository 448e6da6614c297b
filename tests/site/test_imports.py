"""The rooms and their one-way doors, and that nothing that answers people imports torch."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.site.running import MANAGE, environment

ROOT = MANAGE.parent
ROOMS = ("zimageweb", "generation", "gallery")
DRAWING_LIBRARIES = ("torch", "diffusers", "transformers", "accelerate", "safetensors", "huggingface_hub")


def _modules(room: str) -> Iterator[tuple[str, Path]]:
    for path in sorted((ROOT / room).rglob("*.py")):
        if "migrations" not in path.parts:
            words = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(words[:-1] if words[-1] == "__init__" else words), path


def _imports(path: Path) -> set[str]:
    """Dotted names of everything that the module imports anywhere, in functions and for type checkers too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}: imports are absolute, so that rooms can be seen"
            found |= {str(node.module)} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


IMPORTS = {name: _imports(path) for room in ROOMS for name, path in _modules(room)}


def _reaching(names: set[str], *targets: str) -> set[str]:
    return {name for name in names for target in targets if name == target or name.startswith(f"{target}.")}


@pytest.mark.parametrize(
    ("room", "closed"),
    [("gallery", ("generation", "zimageweb")), ("generation", ("zimageweb",))],
)
def test_no_room_looks_up(room: str, closed: tuple[str, ...]) -> None:
    found = {name: _reaching(names, *closed) for name, names in IMPORTS.items() if name.split(".")[0] == room}
    assert {name: names for name, names in found.items() if names} == {}


def test_only_the_engine_imports_what_draws() -> None:
    outside = {name: names for name, names in IMPORTS.items() if not name.startswith("generation.engine")}
    found = {name: _reaching(names, *DRAWING_LIBRARIES) for name, names in outside.items()}
    assert {name: names for name, names in found.items() if names} == {}


def test_the_engine_knows_no_django_and_no_room() -> None:
    inside = {name: names for name, names in IMPORTS.items() if name.startswith("generation.engine")}
    assert inside
    for name, names in inside.items():
        own = _reaching(names, "generation.engine")
        assert not _reaching(names - own, "django", *ROOMS), name


def test_only_the_worker_and_its_commands_know_the_engine() -> None:
    drawing = ("drawing_options", "jobs", "reproduction", "showing", "watch", "worker")
    allowed = {f"generation.{name}" for name in drawing}
    for name, names in IMPORTS.items():
        if name.startswith("generation.engine") or name in allowed:
            continue
        # Commands run in processes of their own; a type or an error of the engine imports no torch (see below).
        reached = _reaching(names, "generation.engine")
        assert not reached or name.startswith("generation.management.commands."), (name, reached)


# Each layer of `generation` may use those below it.
LAYERS = (
    {
        "views",
        "api",
        "admin",
        "forms",
        "schemas",
        "urls",
        "consumers",
        "routing",
        "ticker",
        "promises",
        "snapshot",
        "waiting",
        "management",
        "templatetags",
        "input_api",
        "spending",
        "queue_api",
        "figures",
    },
    {"worker"},
    {"jobs"},
    {"watch"},
    {"showing"},
    {"reproduction"},
    {"services"},
    {"quotas", "rate_limit", "scheduling", "ordering", "places", "events", "doorbell", "representation"},
    {"models", "catalogue", "parameters", "fitting", "matrix", "styles", "loras", "starting", "exceptions"},
    {"speed", "typed", "drawing_options"},
)


def test_in_generation_no_layer_looks_up() -> None:
    depth = {module: number for number, layer in enumerate(LAYERS) for module in layer}
    depth |= {"engine": len(LAYERS), "": len(LAYERS)}
    for name, names in IMPORTS.items():
        room, module = [*name.split("."), ""][:2]
        if room != "generation" or module in {"", "apps", "engine"}:
            continue
        assert module in depth, f"{name} has no place in LAYERS yet"
        for target in _reaching(names, "generation"):
            assert depth[[*target.split("."), ""][1]] >= depth[module], f"{name} imports {target}"


@pytest.mark.parametrize("module", ["zimageweb.asgi", "zimageweb.urls", "zimageweb.supervisor"])
def test_no_process_that_answers_people_imports_torch(module: str, tmp_path: Path) -> None:
    look = f"""
import django; django.setup()
import sys, {module}
from django.urls import get_resolver
get_resolver().url_patterns
print([name for name in {DRAWING_LIBRARIES} if name in sys.modules])
"""
    given = environment(tmp_path, DJANGO_SETTINGS_MODULE="zimageweb.settings", SECRET_KEY="unused" * 10)
    seen = subprocess.run([sys.executable, "-c", look], env=given, cwd=ROOT, capture_output=True, text=True, check=True)
    assert seen.stdout.strip() == "[]"

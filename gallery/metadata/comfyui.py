"""The settings inside a ComfyUI graph, as ComfyUI writes it into the `prompt` chunk.

A graph is `{id: {"class_type": …, "inputs": {name: value}}}`, where a value `[id, output]` is a link to another node.
Owns finding the sampler that drew the picture first and, from there up the links, text, size and numbers; nodes of
extensions are known only as far as they name their inputs like ComfyUI's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_MOST_NODES = 2_000
_DEEPEST = 40  # links from one node to the next

_BESIDES = {"clip", "control_net", "image", "model", "vae"}  # links that lead away from text, size and numbers
_TEXTS = ("text", "prompt", "populated_text", "text_g", "t5xxl", "value", "string", "string_a")
_NUMBERS = ("value", "seed", "int", "number")
_DRAWING = {"positive", "guider"}  # beside `latent_image`, either makes a node a sampler
_PARTS = ("noise", "sigmas", "guider")  # nodes into which SamplerCustomAdvanced is taken apart

Inputs = dict[str, Any]


def read(graph: Any) -> dict[str, Any]:
    """What is known of `prompt`, `negative_prompt`, `width`, `height`, `steps`, `seed` and `cfg`; None for the rest.

    Raises ValueError where there is no sampler.
    """
    return _Graph(graph).settings()


class _Graph:
    def __init__(self, graph: Any) -> None:
        if not isinstance(graph, dict) or len(graph) > _MOST_NODES:
            raise ValueError("no graph, or one too large")
        nodes = {key: node for key, node in graph.items() if isinstance(node, dict)}
        self.inputs: dict[str, Inputs] = {
            key: node["inputs"] for key, node in nodes.items() if isinstance(node.get("inputs"), dict)
        }
        # What comes out of these says nothing, whatever went in: how FLUX and Z-Image do without a negative prompt.
        self.silent = {key for key, node in nodes.items() if node.get("class_type") == "ConditioningZeroOut"}

    def settings(self) -> dict[str, Any]:
        sampler = self.inputs[self._first_sampler()]
        guider = self._linked(sampler.get("guider")) or {}
        positive = sampler.get("positive", guider.get("positive", guider.get("conditioning")))
        negative = sampler.get("negative", guider.get("negative"))
        width, height = self._size(sampler.get("latent_image"))
        return {
            "prompt": self._text(positive, "positive"),
            "negative_prompt": self._text(negative, "negative"),
            "width": width,
            "height": height,
            "steps": self._number(sampler, "steps"),
            "seed": self._number(sampler, "seed", "noise_seed"),
            "cfg": self._number(sampler, "cfg"),
        }

    def _first_sampler(self) -> str:
        """The sampler that works on no other sampler's latents: later ones enlarge or refine."""
        samplers = [key for key, inputs in self.inputs.items() if "latent_image" in inputs and inputs.keys() & _DRAWING]
        for key in samplers[:20]:
            before = {node for node, _ in self._upstream(self.inputs[key]["latent_image"])}
            if before.isdisjoint(samplers):
                return key
        raise ValueError("no sampler")

    def _linked(self, value: Any) -> Inputs | None:
        return self.inputs.get(str(value[0])) if _is_link(value) else None

    def _upstream(self, value: Any) -> Iterator[tuple[str, Inputs]]:
        """Every node that a value depends on, the nearest of each branch first."""
        waiting, seen = [value], set()
        while waiting:
            link = waiting.pop()
            if not _is_link(link) or (key := str(link[0])) in seen or key not in self.inputs:
                continue
            seen.add(key)
            yield key, self.inputs[key]
            waiting += reversed([other for name, other in self.inputs[key].items() if name not in _BESIDES])

    def _size(self, latents: Any) -> tuple[Any, Any]:
        for _, inputs in self._upstream(latents):
            width, height = self._number(inputs, "width"), self._number(inputs, "height")
            if width is not None and height is not None:
                return width, height
        return None, None

    def _number(self, inputs: Inputs, *names: str, depth: int = 0) -> Any:
        """The first of `names` that has a number, here, behind a link, or in a part of the sampler."""
        for value in (inputs[name] for name in names if name in inputs):
            if isinstance(value, int | float) and not isinstance(value, bool):
                return value
            origin = self._linked(value)
            if origin and depth < _DEEPEST:
                return self._number(origin, *names, *_NUMBERS, depth=depth + 1)
        for part in _PARTS:
            if depth == 0 and (found := self._linked(inputs.get(part))):
                number = self._number(found, *names, depth=1)
                if number is not None:
                    return number
        return None

    def _text(self, link: Any, side: str) -> str | None:
        """The first text up the links; `side` is the input of those nodes that carry both prompts."""
        names = (side, *_TEXTS)
        waiting, seen = [link], set()
        while waiting:
            following = waiting.pop()
            if not _is_link(following) or (key := str(following[0])) in seen or key not in self.inputs:
                continue
            seen.add(key)
            if key in self.silent:
                continue
            inputs = self.inputs[key]
            named = [inputs[name] for name in names if name in inputs]
            if text := next((value for value in named if isinstance(value, str)), None):
                return text
            others = [inputs[name] for name in inputs if name not in {"positive", "negative", *names, *_BESIDES}]
            waiting += reversed([*named, *others])
        return None


def _is_link(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str | int)

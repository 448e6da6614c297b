"""Scenes in Chinese (simplified)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from starter_model.captions.choice import chance, pick
from starter_model.palette import COLOURS
from starter_model.scenes import Figure, Figures, Landscape

_SHAPES = {
    "circle": ("圆形", "圆形", "圆", "圆圈"),
    "square": ("正方形", "正方形", "方形", "方块"),
    "triangle": ("三角形",),
    "star": ("星形", "星星", "五角星"),
    "heart": ("心形", "爱心"),
}
_SIZES = {"small": ("小", "小小的", "很小的"), "medium": ("",), "large": ("大", "大大的", "很大的")}
_PLACES = {
    "middle": ("在中间", "在中央", "居中"),
    "left": ("在左边", "在左侧", "左边"),
    "right": ("在右边", "在右侧", "右边"),
    "top": ("在上方", "在顶部", "上方"),
    "bottom": ("在下方", "在底部", "下方"),
    "top left": ("在左上角", "左上角", "在左上方"),
    "top right": ("在右上角", "右上角", "在右上方"),
    "bottom left": ("在左下角", "左下角", "在左下方"),
    "bottom right": ("在右下角", "右下角", "在右下方"),
}
_NUMBERS = {1: ("一个",), 2: ("两个", "两个", "2个"), 3: ("三个", "三个", "3个"), 4: ("四个", "四个", "4个")}
_SIDES = {
    "left of": ("左边", "左侧"),
    "right of": ("右边", "右侧"),
    "above": ("上方", "上面"),
    "below": ("下方", "下面"),
}
_OPPOSITES = {"left of": "right of", "right of": "left of", "above": "below", "below": "above"}
_SKIES = {
    "day": ("晴天", "白天", "晴空下", "蓝天下", "中午"),
    "sunset": ("日落时", "傍晚", "黄昏", "夕阳下"),
    "night": ("夜晚", "夜里", "星空下", "深夜"),
    "dawn": ("黎明", "清晨", "日出时", "早晨"),
    "clouds": ("阴天", "多云", "乌云下"),
}
_GROUNDS = {
    "hills": ("山丘", "丘陵", "绿色的山丘", "小山"),
    "mountains": ("高山", "山", "雪山", "群山"),
    "sea": ("大海", "海", "海面", "湖", "蓝色的大海", "水"),
    "field": ("田野", "草地", "草原", "绿色的田野"),
    "desert": ("沙漠", "沙丘", "沙"),
    "snow": ("雪地", "雪", "冬天", "雪景"),
}
_COLOURED_GROUNDS = {"hills": ("山丘", "丘陵"), "mountains": ("高山", "山"), "field": ("田野", "草地")}
_ASIDE = {"left": ("左边", "左侧"), "right": ("右边", "右侧")}
_LIGHTS = {"sun": "太阳", "moon": "月亮"}
_TREES = {1: ("一棵树",), 2: ("两棵树",), 3: ("三棵树", "树林", "树")}
_COUNTED_TREES = {1: "一棵", 2: "两棵", 3: "三棵"}
_HOUSES = ("房子", "房子", "小屋", "屋子")
_BOATS = ("船", "小船", "帆船")
_CLOUDS = ("白云", "云", "云朵")

WORDS = tuple((Path(__file__).parent / "words_zh.txt").read_text(encoding="utf-8").split())
"""Words that mean nothing to the model."""


def say_figures(rng: np.random.Generator, scene: Figures, plain: bool = False) -> str:
    figures = _figures(rng, scene, plain)
    background = pick(rng, COLOURS[scene.background].chinese, plain) if scene.background else ""
    place = ""
    if not scene.relation and scene.count == 1 and (scene.place != "middle" or (not plain and chance(rng, 0.2))):
        place = pick(rng, _PLACES[scene.place], plain)
    if not background:
        return "，".join(part for part in (figures, place) if part)
    form = 0 if plain else int(rng.integers(0, 4))
    if form == 0 and not scene.relation:
        return f"{background}背景上的{figures}" + (f"，{place}" if place else "")
    if form == 1 and not scene.relation:
        return f"{background}背景上{place}有{figures}"
    parts = [figures, f"{background}背景" if plain or chance(rng, 0.8) else f"背景是{background}"]
    if place:
        parts.insert(1, place)
    if not plain and chance(rng, 0.3):
        parts.reverse()
    return "，".join(parts)


def say_landscape(rng: np.random.Generator, scene: Landscape) -> str:
    parts = _landscape_parts(rng, scene)
    parts = [parts[0], *(part for part in parts[1:] if not chance(rng, 0.12))]
    sky = _sky(rng, scene)
    if chance(rng, 0.4):
        parts.append(sky)
        rng.shuffle(parts)
        return pick(rng, ("，", "，", "、", " ")).join(parts)
    said = f"{sky}{pick(rng, ('的', '，', ''))}{parts[0]}"
    if len(parts) > 1:
        said += pick(rng, ("，有", "和", "，")) + pick(rng, ("和", "，", "、")).join(parts[1:])
    return said


def say_keywords(rng: np.random.Generator, scene: Landscape) -> list[str]:
    """As `english.say_keywords`."""
    known = _landscape_parts(rng, scene)
    if scene.ground_colour and chance(rng, 0.6):
        known[0] = f"{pick(rng, COLOURS[scene.ground_colour].chinese)}的{pick(rng, WORDS)}"
    if scene.sky:
        known.append(_sky(rng, scene))
    return [str(part) for part in rng.choice(known, min(len(known), int(rng.integers(1, 4))), replace=False)]


def _figures(rng: np.random.Generator, scene: Figures, plain: bool) -> str:
    if scene.relation:
        first, second = (_figure(rng, figure, "", plain) for figure in scene.figures)
        form = 0.0 if plain else rng.random()
        if form < 0.5:
            return f"{first}在{second}的{pick(rng, _SIDES[scene.relation], plain)}"
        if form < 0.7:
            return f"{second}在{first}的{pick(rng, _SIDES[_OPPOSITES[scene.relation]])}"
        if form < 0.8 and scene.relation in ("left of", "right of"):
            return f"{first}和{second}" if scene.relation == "left of" else f"{second}和{first}"
        sides = pick(rng, _SIDES[scene.relation]), pick(rng, _SIDES[_OPPOSITES[scene.relation]])
        return f"{sides[0]}是{first}，{sides[1]}是{second}"
    size = pick(rng, _SIZES[scene.size], plain) if scene.count == 1 else ""
    number = pick(rng, _NUMBERS[scene.count], plain)
    if scene.count == 1 and not plain and chance(rng, 0.3):
        number = ""
    return number + _figure(rng, scene.figures[0], size, plain, without_colour=not plain and chance(rng, 0.03))


def _figure(rng: np.random.Generator, figure: Figure, size: str, plain: bool, without_colour: bool = False) -> str:
    of = "" if plain or chance(rng, 0.6) else "的"
    colour = "" if without_colour else pick(rng, COLOURS[figure.colour].chinese, plain) + of
    return f"{size}{colour}{pick(rng, _SHAPES[figure.shape], plain)}"


def _landscape_parts(rng: np.random.Generator, scene: Landscape) -> list[str]:
    """The ground, then what else there is beside the sky."""
    if scene.ground_colour:
        of = pick(rng, ("的", ""))
        parts = [f"{pick(rng, COLOURS[scene.ground_colour].chinese)}{of}{pick(rng, _COLOURED_GROUNDS[scene.ground])}"]
    else:
        parts = [pick(rng, _GROUNDS[scene.ground])]
    if scene.light:
        aside = _aside(rng, scene.light_side)
        colour = pick(rng, COLOURS[scene.light_colour].chinese) + "的" if scene.light_colour else ""
        parts.append(f"{aside}{colour}{_LIGHTS[scene.light]}")
    if scene.trees:
        if scene.tree_colour:
            parts.append(f"{_COUNTED_TREES[scene.trees]}{pick(rng, COLOURS[scene.tree_colour].chinese)}的树")
        else:
            parts.append(pick(rng, _TREES[scene.trees]))
    if scene.house:
        aside, one = _aside(rng, scene.house_side), pick(rng, ("", "一座"))
        parts.append(f"{aside}{one}{pick(rng, COLOURS[scene.house].chinese)}的{pick(rng, _HOUSES)}")
    if scene.boat:
        parts.append(f"{pick(rng, ('', '一艘'))}{pick(rng, COLOURS[scene.boat].chinese)}的{pick(rng, _BOATS)}")
    if scene.cloudy and scene.sky != "clouds":
        parts.append(pick(rng, _CLOUDS))
    return parts


def _aside(rng: np.random.Generator, side: str) -> str:
    if side == "middle":
        return ""
    return pick(rng, _ASIDE[side]) + pick(rng, ("有", "的", ""))


def _sky(rng: np.random.Generator, scene: Landscape) -> str:
    if scene.sky in _SKIES:
        return pick(rng, _SKIES[scene.sky])
    return f"{pick(rng, COLOURS[scene.sky].chinese)}{pick(rng, ('的', ''))}天空{pick(rng, ('', '下'))}"

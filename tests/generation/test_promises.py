"""What was said of a waiting time gets worse only together with why."""

from __future__ import annotations

from typing import Any

from generation.places import Line, Pace, Place
from generation.promises import Delay, Promises
from generation.speed import Speed

MINE = 7  # the row that is followed; alone it takes ten seconds


def line(*ahead: int, workers: int = 1, pace: float = 10.0) -> Line:
    """A line of rows of cost 1 by number, with MINE last."""
    return Line(
        waiting=[(pk, 1, 1.0, 0) for pk in (*ahead, MINE)],
        pace=Pace({f"w{number}": Speed(pace) for number in range(workers)}),
    )


class Told:
    """What one person hears of MINE, moment by moment."""

    def __init__(self) -> None:
        self._promises = Promises()
        self.times_told = 0
        self._last: Any = None

    def at(self, now: float, queue: Line, place: Place | None = None) -> dict[str, Any]:
        place = place or queue.place(MINE)
        assert place
        promise = self._promises.renew(queue, [place], now)[MINE]
        self.times_told += promise != self._last
        self._last = promise
        return promise.as_json(now)


def test_an_estimate_that_wavers_is_told_once_and_counts_down() -> None:
    told = Told()
    assert told.at(0, line(1))["eta_seconds"] == 20
    assert told.at(5, line(1, pace=8.0))["eta_seconds"] == 15, "16 is no news"
    assert told.at(10, line())["eta_seconds"] == 10
    assert told.at(11, line(pace=9.3))["eta_seconds"] == 9
    assert told.times_told == 2, "the position changed once"


def test_an_earlier_end_is_told_at_once() -> None:
    told = Told()
    told.at(0, line(1, 2, 3))
    assert told.at(1, line(1)) == {"position": 2, "starts_in": 10, "eta_seconds": 20, "delay": None}


def test_a_worker_that_leaves_is_named() -> None:
    told = Told()
    assert told.at(0, line(1, 2, 3, workers=2))["eta_seconds"] == 20
    assert told.at(1, line(1, 2, 3)) == {"position": 4, "starts_in": 30, "eta_seconds": 40, "delay": "worker_left"}
    assert told.at(2, line(1, 2, 3))["delay"] == "worker_left", "it stays said"
    assert told.at(3, line(1, 2, 3, workers=2))["delay"] is None, "until the news are better"


def test_without_any_worker_nobody_knows() -> None:
    told = Told()
    told.at(0, line())
    assert told.at(1, line(workers=0)) == {
        "position": 1, "starts_in": None, "eta_seconds": None, "delay": "worker_left",
    }  # fmt: skip
    again = told.at(9, line())
    assert (again["eta_seconds"], again["delay"]) == (10, "worker_left")


def test_people_who_have_had_less_go_first_and_that_is_said() -> None:
    told = Told()
    told.at(0, line(1))
    assert told.at(1, line(1, 8)) == {"position": 3, "starts_in": 20, "eta_seconds": 30, "delay": "others_first"}


def test_those_who_push_in_one_by_one_are_remembered_until_it_matters() -> None:
    """Each is drawn before the next comes, so the position never rises; together they matter all the same."""
    told = Told()
    told.at(0, line(1, 2))
    assert told.at(10, line(2, 8))["position"] == 3
    assert told.at(20, line(8, 9)) == {"position": 3, "starts_in": 20, "eta_seconds": 30, "delay": "others_first"}


def test_drawing_that_takes_longer_is_owned_up_to() -> None:
    told = Told()
    told.at(0, line(1))
    assert told.at(1, line(1, pace=13.0)) == {"position": 2, "starts_in": 13, "eta_seconds": 26, "delay": "slower"}


def test_a_picture_that_comes_back_from_a_lost_worker_says_so() -> None:
    told = Told()
    told.at(0, Line(pace=Pace({"w0": Speed(10.0)})), Place(MINE, 1, None, 0.0, 4.0))
    assert told.at(1, line())["delay"] == "worker_left"


def test_being_drawn_ends_the_bad_news() -> None:
    told = Told()
    told.at(0, line(workers=2))
    told.at(1, line(1))
    drawn = told.at(2, Line(pace=Pace({"w0": Speed(10.0)})), Place(MINE, 1, None, 0.0, 9.0))
    assert drawn == {"position": None, "starts_in": 0, "eta_seconds": 9, "delay": None}


def test_other_peoples_rows_behind_are_no_reason() -> None:
    told = Told()
    told.at(0, line(1))
    behind = Line(waiting=[(1, 1, 1.0, 0), (MINE, 1, 1.0, 0), (8, 2, 1.0, 0)], pace=Pace({"w0": Speed(10.0)}))
    assert told.at(1, behind)["delay"] is None
    assert told.at(2, line(1, pace=14.0))["delay"] == Delay.SLOWER

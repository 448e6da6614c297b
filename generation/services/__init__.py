"""The domain's verbs. Views, API, admin, commands and the worker call these and nothing deeper.

asking     what a person does: submit, cancel, retry
ordering   what a person does about the order of their own
drawing    what a worker does with rows that it holds: step, finish, fail, hand back
recovery   what brings back rows that nobody holds any more
"""

from __future__ import annotations

from generation.services.asking import Submission, cancel, cancel_all, cancel_batch, retry, submit
from generation.services.drawing import (
    fail,
    finish,
    hand_back,
    put_back,
    record_step,
    renew,
    settle_cancelled,
    start,
    unwanted,
)
from generation.services.ordering import move_batch
from generation.services.recovery import Reconciliation, reconcile, release_worker
from generation.services.starts import remaining_start, take_input

__all__ = [
    "Reconciliation",
    "Submission",
    "cancel",
    "cancel_all",
    "cancel_batch",
    "fail",
    "finish",
    "hand_back",
    "move_batch",
    "put_back",
    "reconcile",
    "record_step",
    "release_worker",
    "remaining_start",
    "renew",
    "retry",
    "settle_cancelled",
    "start",
    "submit",
    "take_input",
    "unwanted",
]

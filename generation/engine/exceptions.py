"""What can go wrong in the engine. `str()` of each is one plain sentence for a person that says what to do."""

from __future__ import annotations


class EngineError(Exception):
    """Base of all; raised itself where an option makes no sense on this machine."""


class PassingTrouble(EngineError):
    """What may pass without anybody changing a setting: a worker that cannot start for it is started again."""


class ModelNotFound(EngineError):
    """There is no model under that name or in that folder, or the hub does not give it to this account."""


class HubUnreachable(PassingTrouble):
    """The hub does not answer, or not as a hub does."""


class ModelBroken(EngineError):
    """Something lies there, but it is no whole `ZImagePipeline`."""


class DiskFull(PassingTrouble):
    """The disk has no room for a model that is to be prepared or fetched. What is finished stays."""


class UnsupportedRequest(EngineError):
    """The model cannot draw this size, number of steps, …; asking again the same way will fail again."""


class LoraUnusable(EngineError):
    """A LoRA's file is gone, damaged, made for another model or of a kind that is not read. The engine stays usable."""


class OutOfMemory(PassingTrouble):
    """Not even one picture of this size fits into the device's memory, or not the model itself. An engine that was
    loaded stays usable."""


class DeviceLost(EngineError):
    """The device failed in a way that poisons the process: it must exit and be started again."""


class DrawingCancelled(EngineError):
    """Every request was dropped by the step callback. The engine stays usable."""

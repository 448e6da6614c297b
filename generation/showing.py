"""Shows what is being drawn: previews are made and sent in a thread of their own, so that the engine need not wait."""

from __future__ import annotations

import base64
import io
import logging
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor

from PIL import Image as PillowImage

from generation import events
from generation.engine.types import StepReport
from generation.models import Generation

logger = logging.getLogger(__name__)


class Previews:
    """One thread, so that previews arrive in the order of their steps."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="previews")

    def show(self, rows: Sequence[Generation], report: StepReport, hidden: Collection[int]) -> None:
        """Send each owner the preview of a row, but for those whose ids are `hidden`. Returns at once."""
        shown = [None if row.pk in hidden else row for row in rows]
        self._thread.submit(self._send, shown, report)

    def close(self) -> None:
        self._thread.shutdown(wait=True)

    @staticmethod
    def _send(rows: Sequence[Generation | None], report: StepReport) -> None:
        try:
            for row, picture in zip(rows, report.previews(), strict=True):
                if row is not None and picture is not None:
                    events.preview(row, report.step, _as_data_url(picture))
        except Exception:
            logger.exception("The preview of step %d could not be shown; drawing goes on.", report.step)


def _as_data_url(picture: PillowImage.Image) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=60, method=0)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"

"""Which Chromium drives the tests and makes the screenshots, and what a window of it is like."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from playwright.sync_api import Playwright, expect

ARGUMENTS = [
    "--no-sandbox",  # as root in CI
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--font-render-hinting=none",
    "--force-color-profile=srgb",
]
DESKTOP: dict[str, Any] = {
    "viewport": {"width": 1440, "height": 900},
    "locale": "en-GB",
    "timezone_id": "UTC",
    "color_scheme": "light",
    "reduced_motion": "reduce",
}
PHONE = DESKTOP | {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
CHINESE = {"locale": "zh-CN"}
MISSING = "no Chromium: install it (apt-get install chromium) or set CHROMIUM"

expect.set_options(timeout=15_000)


def installed_chromium() -> str | None:
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        if found := shutil.which(name):
            return found
    return None


def find_chromium(playwright: Playwright) -> str | None:
    """`CHROMIUM`, else the PATH, else Playwright's own, else, as root on Debian, from apt."""
    if named := os.environ.get("CHROMIUM"):
        return named
    if found := installed_chromium():
        return found
    if Path(playwright.chromium.executable_path).exists():
        return playwright.chromium.executable_path
    if os.getuid() == 0 and shutil.which("apt-get"):
        for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "chromium"]):
            subprocess.run(["apt-get", *command], check=False, stdout=subprocess.DEVNULL, timeout=600)
        return installed_chromium()
    return None

"""Chromium for the browser tests and for ./dev look: where it is, how to start it, how to show Chinese in it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")

# Put there by tools/lent_browser.py where the machine has none.
LENT = ROOT / "var" / "chromium" / "chromium"

# The sandbox does not start under root. Without the network flags the browser looks up its maker's hosts at each start.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--font-render-hinting=none",
)

# For a machine that has not even fontconfig's settings.
FONTS_CONF = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>{fonts}</dir><cachedir>{cache}</cachedir></fontconfig>
"""

MISSING = (
    "No Chromium was found. Install one (Debian, Ubuntu: apt install chromium) "
    "or name it in RESOURCE_HUB_CHROMIUM."
)


def find(*, lent: bool = True) -> str | None:
    """The path of a Chromium or Chrome on this machine, or of the one that we fetched for want of it.

    RESOURCE_HUB_CHROMIUM decides when it is set.
    """
    named = os.environ.get("RESOURCE_HUB_CHROMIUM")
    if named:
        return shutil.which(named)
    for name in NAMES:
        found = shutil.which(name)
        if found:
            return found
    for place in (MAC, LENT) if lent else (MAC,):
        if place.exists():
            return str(place)
    return None


def environment(scratch: Path) -> dict[str, str]:
    """The environment to start it with. A bare machine has no Chinese font and would show boxes: lend it ours.

    `scratch` is a folder to keep the lent fonts and the browser's own files in.
    """
    env = {name: value for name, value in os.environ.items() if value is not None}
    if sys.platform.startswith("linux"):
        data = scratch / "share"
        spec = importlib.util.find_spec("pylopdf_fonts_zh_cn")
        if spec and spec.origin:
            fonts = data / "fonts"
            fonts.mkdir(parents=True, exist_ok=True)
            for font in Path(spec.origin).parent.glob("*.otf"):
                link = fonts / font.name
                if not link.exists():
                    link.symlink_to(font)
        if not Path("/etc/fonts/fonts.conf").exists():
            settings = scratch / "fonts.conf"
            settings.write_text(
                FONTS_CONF.format(fonts=data / "fonts", cache=scratch / "cache"), encoding="utf-8"
            )
            env["FONTCONFIG_FILE"] = str(settings)
        env["XDG_DATA_HOME"] = str(data)
        env["XDG_CACHE_HOME"] = str(
            scratch / "cache"
        )  # fontconfig's own; an empty or read-only HOME is no trouble
        env["XDG_CONFIG_HOME"] = str(scratch / "config")
    return env


def axe_source() -> str:
    """axe-core as text, for page.evaluate(): a script tag would be refused by the pages' own policy."""
    path = ROOT / "node_modules" / "axe-core" / "axe.min.js"
    if not path.exists():
        raise FileNotFoundError(f"{path.relative_to(ROOT)} is missing: run ./dev setup")
    return path.read_text(encoding="utf-8")

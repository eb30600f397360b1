"""The machine that measured, told so that figures can be judged, and without its name or its paths."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = (
    "usagekit",
    "uvicorn",
    "httptools",
    "uvloop",
    "fastapi",
    "pydantic",
    "pytest",
    "httpx2",
    "httpx",
    "requests",
    "urllib3",
    "aiohttp",
    "hypothesis",
    "schemathesis",
)
HARDWARE = ("cpu", "cores", "system")
"""What must be equal for absolute figures to be compared; the versions are what a change may be due to."""

Machine = Mapping[str, Any]


def describe(client: str) -> dict[str, Any]:
    """This machine now; `client` is what asks the servers."""
    return {
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": _system(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "client": client,
        "load": round(os.getloadavg()[0], 2),
    }


def same(one: Machine, other: Machine) -> bool:
    """Whether absolute figures of the two may be compared."""
    return all(one.get(name) == other.get(name) for name in HARDWARE)


def differences(before: Machine, now: Machine) -> list[str]:
    """What is not as it was, the load left aside."""
    names = (*HARDWARE, "python", "client")
    found = [f"{name}: {before.get(name)} then, {now.get(name)} now" for name in names]
    found = [text for name, text in zip(names, found, strict=True) if before.get(name) != now.get(name)]
    then, today = before.get("packages", {}), now.get("packages", {})
    return found + [
        f"{name}: {then.get(name, 'not there')} then, {today.get(name, 'not there')} now"
        for name in sorted({*then, *today})
        if then.get(name) != today.get(name)
    ]


def sentences(machine: Machine) -> list[str]:
    """The description for people: the hardware, and the software."""
    packages = ", ".join(f"{name} {number}" for name, number in machine["packages"].items())
    loop = "uvloop" if "uvloop" in machine["packages"] else "asyncio"
    return [
        f"{machine['cpu']}, {machine['cores']} cores, {machine['system']}; load at the start {machine['load']}.",
        f"{machine['python']} with {packages}; event loop {loop}, on both sides of each ratio.",
        f"Asked by {machine['client']}.",
    ]


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return " ".join(line.partition(":")[2].split())
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _system() -> str:
    try:
        name = platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        name = platform.system()
    return f"{name}, {platform.system()} {platform.release()}"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def tool(name: str) -> bool:
    """Whether a command is installed."""
    return shutil.which(name) is not None

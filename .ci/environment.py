"""Makes `.venv` hold exactly what uv.lock says; needs only a Python and a package index.

Run by the Makefile with the Python that the environment shall have. Several runs at once take turns. It has
no syntax newer than 3.7, so that an old interpreter gets a sentence instead of a traceback.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import IO, NoReturn

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / ".usagekit"
LOCK = ROOT / "uv.lock"
# The interpreter itself, also when an activated environment (perhaps this very one) comes first on the path.
BASE = os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)

# What another environment or tool may have left behind; each of these leads pip, uv or Python elsewhere.
FOREIGN = {
    *("VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP"),
    *("PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_REQUIRE_VIRTUALENV"),
    *("UV_PROJECT", "UV_PROJECT_ENVIRONMENT", "UV_PYTHON", "UV_SYSTEM_PYTHON", "UV_NO_DEV", "UV_NO_SYNC"),
}
OWN = {"UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
ENVIRON = {**{name: value for name, value in os.environ.items() if name not in FOREIGN}, **OWN}

NO_PIP = (
    f"{BASE} has neither ensurepip nor pip, so it can make no environment; install them (Debian and Ubuntu: "
    "apt install python3-venv) or choose another Python: make PYTHON=/path/to/python3"
)


def main() -> None:
    """Make the environment, unless the one that is there is right."""
    if sys.version_info < (3, 11):  # noqa: UP036
        version = sys.version.split()[0]
        stop(f"Python 3.11 or newer is needed and {BASE} is {version}; choose one: make PYTHON=python3.12")
    with LOCK.open("rb") as lock:
        take_turns(lock)
        if is_ready():
            return
        say("setting up .venv, which takes a minute the first time")
        uv = uv_in_venv()
        run(
            [str(uv), "sync", "--frozen", "--all-extras", "--python", str(PYTHON)],
            "installing what uv.lock names",
        )
        if not works():
            stop("the environment was made, but this checkout cannot be imported from it")
        STAMP.write_text(fingerprint(), encoding="utf-8")


def take_turns(lock: IO[bytes]) -> None:
    """Wait until no other make sets up this checkout; the turn ends with the file or the process."""
    try:
        import fcntl
    except ImportError:
        return
    fcntl.flock(lock, fcntl.LOCK_EX)


def is_ready() -> bool:
    """Whether the environment was made for exactly this, and still works."""
    return STAMP.is_file() and STAMP.read_text(encoding="utf-8") == fingerprint() and works()


def fingerprint() -> str:
    """Everything that an environment is made for: this place, this Python, these requirements."""
    digest = sha256((ROOT / "pyproject.toml").read_bytes() + LOCK.read_bytes()).hexdigest()
    return "\n".join([str(ROOT), sys.base_prefix, sys.version, digest, ""])


def works() -> bool:
    """Whether it is one of this Python, and imports the package from here, not from where it was copied."""
    home = "pathlib.Path(usagekit.__file__).resolve().parents[1]"
    code = f"import pathlib, sys, usagekit; print(sys.base_prefix, {home})"
    return answer_of([str(PYTHON), "-I", "-c", code]) == f"{sys.base_prefix} {ROOT}"


def uv_in_venv() -> Path:
    """The uv that the lock file names, in a virtual environment; a stop that says what is missing."""
    uv, version = PYTHON.with_name("uv"), uv_version()
    if works() and answer_of([str(uv), "--version"]).split()[1:2] == [version]:
        return uv
    shutil.rmtree(VENV, ignore_errors=True)
    if answer_of([BASE, "-I", "-c", "import ensurepip, venv; print('yes')"]) == "yes":
        run([BASE, "-I", "-m", "venv", str(VENV)], "making .venv")
        pip = [str(PYTHON), "-m", "pip"]
    elif answer_of([BASE, "-I", "-c", "import pip, venv; print('yes')"]) == "yes":
        run([BASE, "-I", "-m", "venv", "--without-pip", str(VENV)], "making .venv")
        pip = [BASE, "-m", "pip", "--python", str(PYTHON)]
    else:
        stop(NO_PIP)
    run([*pip, "install", "--quiet", f"uv=={version}"], f"installing uv {version}")
    return uv


def uv_version() -> str:
    """The version of uv in the lock file, so that it is written down once."""
    import tomllib

    packages = tomllib.loads(LOCK.read_text(encoding="utf-8"))["package"]
    return next(str(package["version"]) for package in packages if package["name"] == "uv")


def answer_of(command: list[str]) -> str:
    """What a command prints, without the end of line; nothing when it fails or is not there."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=ENVIRON, cwd="/")  # noqa: S603
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def run(command: list[str], doing: str) -> None:
    """One step, silent when it works; when it fails, everything it said and what it was for."""
    done = subprocess.run(  # noqa: S603
        command,
        cwd=ROOT,
        env=ENVIRON,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        # An index address may hold a password.
        sys.stderr.write(re.sub(r"//[^/@\s]+@", "//***@", done.stdout))
        stop(f"{doing} failed with exit status {done.returncode}; its words are above")


def say(text: str) -> None:
    """One line on stderr, so that results stay alone on stdout."""
    sys.stderr.write(f"usagekit: {text}\n")
    sys.stderr.flush()


def stop(text: str) -> NoReturn:
    """End with a sentence and a failure."""
    say(text)
    raise SystemExit(1)


if __name__ == "__main__":
    main()

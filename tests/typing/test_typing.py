"""The files beside this one are what users write; mypy and pyright judge them alike."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
CHECKED = sorted(path for path in HERE.glob("*.py") if path != Path(__file__))

pytestmark = pytest.mark.typing


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=False, timeout=300)


def without_checker(reason: str) -> None:
    """A checker that can't run is a failure in CI, and never silent elsewhere."""
    if os.environ.get("CI", "") not in ("", "0", "false"):
        pytest.fail(reason)
    pytest.skip(reason)


def test_mypy_sees_the_types_that_are_promised() -> None:
    done = run(sys.executable, "-m", "mypy", "--strict", *map(str, CHECKED))
    assert done.returncode == 0, done.stdout + done.stderr


def test_pyright_sees_the_types_that_are_promised() -> None:
    if run(sys.executable, "-m", "pyright", "--version").returncode != 0:
        without_checker("pyright can't run here, so users' types are judged by mypy alone: it needs node or a download")
    done = run(sys.executable, "-m", "pyright", *map(str, CHECKED))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_a_wrong_use_is_an_error(checker: str, tmp_path: Path) -> None:
    """Without it a checker that finds nothing at all would pass the tests above."""
    if run(sys.executable, "-m", checker, "--version").returncode != 0:
        without_checker(f"{checker} can't run here")
    planted = tmp_path / "planted.py"
    planted.write_text(CHECKED[0].read_text().replace("# type: ignore[", "# was ["))
    done = run(sys.executable, "-m", checker, str(planted))
    wrong = CHECKED[0].read_text().count("# type: ignore[")
    lines = {line.split(" - ")[0].split(": error")[0] for line in done.stdout.splitlines() if "error" in line}
    assert done.returncode != 0
    assert len([line for line in lines if "planted.py:" in line]) >= wrong

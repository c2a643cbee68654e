"""A context made outside plugs in without a change in Homeport: its own tests run in a process of their own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from homeport.testing.rig import selected

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "invoices"


def test_the_invoices_keep_their_promises_on_every_adapter() -> None:
    """With the example's own settings for pytest: they are what such a package needs."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(EXAMPLE / "src")]),
        "HOMEPORT_TEST_ADAPTERS": ",".join(selected()),
    }
    command = [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider"]
    run = subprocess.run(command, cwd=EXAMPLE, env=environment, capture_output=True, text=True, check=False)
    print(run.stdout)
    assert run.returncode == 0, f"{run.stdout}\n{run.stderr}"
    if "passed" not in run.stdout.splitlines()[-1]:
        pytest.skip(run.stdout)

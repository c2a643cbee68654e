"""A context made outside plugs in without a change in Homeport: its own tests run in a process of their own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from homeport.composition.drafting import draft_migrations
from homeport.testing.rig import selected
from invoices import INVOICES

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


def test_their_migration_is_the_draft_with_the_operations_function() -> None:
    draft = draft_migrations(INVOICES)
    folder = EXAMPLE / "src" / "invoices" / "migrations"
    assert sorted(draft) == sorted(path.name for path in folder.iterdir())
    tables, _, wanted = draft["0001_invoices.up.sql"].partition("\n-- To be written")
    made = (folder / "0001_invoices.up.sql").read_text()
    assert made.startswith(tables)
    assert "CREATE FUNCTION public.pay_invoice(p_invoice_id uuid, p_user_id uuid)" in wanted
    assert "CREATE FUNCTION public.pay_invoice(p_invoice_id uuid, p_user_id uuid)" in made
    assert (folder / "0001_invoices.down.sql").read_text() == draft["0001_invoices.down.sql"]


def test_the_command_writes_the_draft_and_spares_what_is_there(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "homeport.cli", "migrate", "generate", "invoices:INVOICES"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(EXAMPLE / "src")])}

    def call(*more: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*command, *more], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
        )

    assert call("--folder", str(tmp_path / "new")).returncode == 0
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted(draft_migrations(INVOICES))
    refused = call()
    assert refused.returncode == 1
    assert "invoices has migrations already" in refused.stderr

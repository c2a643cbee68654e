"""What the documents say of performance is what the committed results say."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from benchmarks import report, results
from benchmarks.goals import GOALS

RESULTS = results.read()
FILES = report.current()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_document_or_plot_is_what_the_results_say(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == FILES[path], "run: make bench-report"


@pytest.mark.parametrize("path", [path for path in FILES if path.suffix == ".svg"], ids=lambda path: path.name)
def test_a_plot_is_well_formed(path: Path) -> None:
    assert ET.fromstring(FILES[path]).tag == "{http://www.w3.org/2000/svg}svg"


def test_every_goal_is_in_the_table_once() -> None:
    rows = [(goal.what, goal.to) for goal in GOALS]
    text = FILES[report.ROOT / "docs" / "performance.md"]
    assert len(set(rows)) == len(rows)
    assert all(f"| {what} " in text for what, _ in rows)


def test_results_name_neither_hosts_nor_folders() -> None:
    for path in (results.COMMITTED, results.SCALE):
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        assert not [word for word in ("/work", "/root", "/home", "/tmp", "127.0.0.1", "postgresql://") if word in text]

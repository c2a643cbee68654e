from pathlib import Path

import pytest

from homeport.adapters.postgres.migrate_files import (
    by_dependency,
    in_transaction,
    migrations_of,
    read_folder,
    statements,
)
from homeport.kernel.errors import QueryError
from homeport.ports.context import Context


def folder(path: Path, **files: str) -> Path:
    path.mkdir(exist_ok=True)
    for name, text in files.items():
        (path / (name.replace("__", ".") + ".sql")).write_text(text)
    return path


def test_files_are_read_by_number_with_their_way_down(tmp_path: Path) -> None:
    folder(tmp_path, **{"0002_b.with_trips__up": "SELECT 2", "0001_a__up": "SELECT 1", "0001_a__down": "SELECT -1"})
    first, second = read_folder("things", tmp_path)
    assert (first.label, first.late, first.up, first.down) == ("things/0001_a", None, "SELECT 1", "SELECT -1")
    assert (second.label, second.late, second.down) == ("things/0002_b.with_trips", "trips", None)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"1_a__up": ""}, "no migration's name"),
        ({"0001_A__up": ""}, "no migration's name"),
        ({"0001_a__up": "", "0001_b__up": ""}, "one number"),
        ({"0001_a__down": ""}, r"no .up.sql"),
    ],
)
def test_unclear_files_are_refused(tmp_path: Path, files: dict[str, str], said: str) -> None:
    with pytest.raises(QueryError, match=said):
        read_folder("things", folder(tmp_path, **files))


def test_a_missing_folder_is_refused_and_a_context_without_one_has_no_migrations(tmp_path: Path) -> None:
    with pytest.raises(QueryError, match="no folder"):
        read_folder("things", tmp_path / "absent")
    assert migrations_of(Context("things", lambda _: None)) == ()


def test_line_ends_do_not_change_a_checksum(tmp_path: Path) -> None:
    (one,) = read_folder("a", folder(tmp_path / "a", **{"0001_a__up": "SELECT 1;\nSELECT 2;\n"}))
    (other,) = read_folder("a", folder(tmp_path / "b", **{"0001_a__up": "SELECT 1;\r\nSELECT 2;\r\n"}))
    (changed,) = read_folder("a", folder(tmp_path / "c", **{"0001_a__up": "SELECT 1;\nSELECT 3;\n"}))
    assert one.checksum == other.checksum != changed.checksum


def test_statements_are_divided_by_semicolons_of_their_own() -> None:
    text = """
    -- a comment; with a semicolon
    SELECT ';', "a;b", 'it''s;' /* ; */ -- ;
    ; ;
    DO $$ BEGIN PERFORM 1; END $$;
    SELECT $x$ ; $$ ; $x$, $1, 1/2, 1-1;
    -- the end;
    """
    assert [each.splitlines()[-1].strip() for each in statements(text)] == [
        """SELECT ';', "a;b", 'it''s;' /* ; */ -- ;""",
        "DO $$ BEGIN PERFORM 1; END $$",
        "SELECT $x$ ; $$ ; $x$, $1, 1/2, 1-1",
    ]
    assert statements("SELECT 1") == ["SELECT 1"]
    assert statements("-- nothing\n") == []


def test_the_marker_is_a_line_of_its_own() -> None:
    assert not in_transaction("-- homeport: no transaction\nSELECT 1")
    assert in_transaction("SELECT '-- homeport: no transaction'")


def test_contexts_come_after_what_they_require() -> None:
    a, b, c = (
        Context("a", lambda _: None, requires=("b", "elsewhere")),
        Context("b", lambda _: None, requires=("c",)),
        Context("c", lambda _: None),
    )
    assert by_dependency([a, b, c]) == (c, b, a)
    with pytest.raises(QueryError, match="circle"):
        by_dependency([Context("x", lambda _: None, requires=("y",)), Context("y", lambda _: None, requires=("x",))])

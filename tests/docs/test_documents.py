"""The documents say what is so: their code runs, their excerpts are in the files, their links and commands exist."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.docs.snippets import DOCUMENTS, ROOT, Block, blocks, every_block, run

RUN = [document for document in DOCUMENTS if any(block.runs for block in blocks(document))]
COMPILED = [block for block in every_block() if block.language == "python" and "no-run" in block.words]
EXCERPTS = [block for block in every_block() if block.file is not None]
_LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
_TARGET = re.compile(r"\bmake ([a-z][a-z0-9-]*)")


@pytest.mark.parametrize("document", RUN, ids=lambda path: path.name)
async def test_the_code_of_a_document_runs(document: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOMEPORT_ADAPTER", "HOMEPORT_CONTEXTS", "HOMEPORT_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    names: dict[str, Any] = {"__name__": document.stem}
    for block in blocks(document):
        if block.runs:
            await run(block, names)


@pytest.mark.parametrize("block", COMPILED, ids=str)
def test_code_that_needs_a_server_compiles(block: Block) -> None:
    assert block.code


@pytest.mark.parametrize("block", EXCERPTS, ids=str)
def test_an_excerpt_stands_in_its_file(block: Block) -> None:
    assert block.file is not None
    assert block.text in block.file.read_text(encoding="utf-8")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_the_links_of_a_document_lead_somewhere(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    assert [link for link in _LINK.findall(text) if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_the_commands_of_a_document_exist(document: Path) -> None:
    targets = set(re.findall(r"^([a-z][a-z0-9-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    code = re.findall(r"```sh\n.*?```|`[^`\n]+`", document.read_text(encoding="utf-8"), re.DOTALL)
    assert {name for text in code for name in _TARGET.findall(text)} <= targets

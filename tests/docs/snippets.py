"""The fenced blocks of a document. The words after the language say what is done with one:

- nothing, for python: it runs on memory, after the blocks before it in the same document, whose names it sees
- `no-run`: it needs a server, and is only compiled
- `file=PATH`: it stands like this in the file
"""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import CodeType
from typing import Any

import attrs

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
_FENCE = re.compile(r"^```(?P<language>\w+)?(?P<words>[^\n]*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)


@attrs.frozen
class Block:
    document: Path
    line: int
    language: str
    words: tuple[str, ...]
    text: str

    @property
    def file(self) -> Path | None:
        named = [each.removeprefix("file=") for each in self.words if each.startswith("file=")]
        return ROOT / named[0] if named else None

    @property
    def runs(self) -> bool:
        return self.language == "python" and not self.words

    @property
    def code(self) -> CodeType:
        """Compiled under the document's name and lines, `await` allowed at its top."""
        lines = "\n" * self.line + self.text
        made: CodeType = compile(lines, str(self.document), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        return made

    def __str__(self) -> str:
        return f"{self.document.name}:{self.line}"


def blocks(document: Path) -> Iterator[Block]:
    text = document.read_text(encoding="utf-8")
    for found in _FENCE.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        yield Block(document, line, found["language"] or "", tuple(found["words"].split()), found["text"])


def every_block() -> list[Block]:
    return [block for document in DOCUMENTS for block in blocks(document)]


async def run(block: Block, names: dict[str, Any]) -> None:
    answer = eval(block.code, names)
    if inspect.iscoroutine(answer):
        await answer

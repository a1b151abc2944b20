"""Tables of a Markdown text, for tests that compare documentation with the program."""

from __future__ import annotations

import re


def table_under(text: str, heading: str) -> list[list[str]]:
    r"""The cells of the first table under a heading, without its first two lines.

    >>> table_under("### Flags\n\n| a | b |\n|---|---|\n| `x` | y \\| z |\n\n## Next", "### Flags")
    [['`x`', 'y | z']]
    """
    body = text.split(f"\n{heading}\n" if f"\n{heading}\n" in text else f"{heading}\n", 1)[1]
    section = re.split(r"^#", body, maxsplit=1, flags=re.M)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[2:]]


def code(cell: str) -> list[str]:
    """What stands in backticks.

    >>> code("`-o`, `--output FORMAT`")
    ['-o', '--output FORMAT']
    """
    return re.findall(r"`([^`]+)`", cell)

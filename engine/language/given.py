"""What a script is given beside plain values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engine.errors import TemplateFault


@dataclass(frozen=True)
class Unset:
    """What stands for a value that is not given yet; using it is a fault that says `why`."""

    why: str
    hint: str

    def __str__(self) -> str:
        raise TemplateFault(self.why, hint=self.hint)

    def __format__(self, _: str) -> str:
        return str(self)


class Allowed(dict[str, str]):
    """The environment variables that a script may read; `names` are also those that are not set."""

    def __init__(self, names: Iterable[str], environ: Mapping[str, str]) -> None:
        self.names = frozenset(names)
        super().__init__({name: environ[name] for name in self.names if name in environ})

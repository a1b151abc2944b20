"""The cost of what is being typed, computed beside the typing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from prompt_toolkit.application import get_app

from engine.repl.cost import Cost

PAUSE = 0.05  # seconds without a key before a text is worth planning


class Forecast:
    """Owns what is known of texts; `of` answers at once, with nothing where the plan is still being made."""

    def __init__(self, compute: Callable[[str], Cost]) -> None:
        self._compute = compute
        self._known: dict[str, Cost] = {}
        self._wanted = ""
        self._names: object = None

    def of(self, text: str, names: object) -> Cost:
        """The cost of a text, as far as it is known now; the prompt is drawn again when it is.

        `names` is what names mean: with others nothing that is known holds.
        """
        if names is not self._names:
            self._known, self._wanted, self._names = {}, "", names
        if text not in self._known and text != self._wanted:
            self._wanted = text
            get_app().create_background_task(self._look(text))
        return self._known.get(text, Cost())

    async def _look(self, text: str) -> None:
        known = self._known
        try:
            await asyncio.sleep(PAUSE)
            if text == self._wanted:
                known[text] = await asyncio.to_thread(self._compute, text)
                get_app().invalidate()
        finally:
            if text == self._wanted and text not in known:
                self._wanted = ""  # Enter came first: the next prompt may ask again

"""Notebooks: `%load_ext engine.notebook`, then `%sql SELECT ...` and `%%sql` for a whole cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def load_ipython_extension(shell: InteractiveShell) -> None:
    """What `%load_ext` calls."""
    from engine.notebook.magic import Sql

    shell.register_magics(Sql(shell))

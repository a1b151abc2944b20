"""`%sql` and `%%sql`: statements of a notebook, `:name` filled from its variables."""

from __future__ import annotations

from collections import ChainMap
from typing import Any

from IPython.core.error import UsageError as Told
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand

import engine
from engine.cli.progress import shown
from engine.errors import Refused, StratoqlError, UsageError, explain
from engine.notebook.options import Options, read
from engine.notebook.table import Table


@magics_class
class Sql(Magics):
    """Owns the notebook's connection."""

    def __init__(self, shell: InteractiveShell) -> None:
        super().__init__(shell)
        self.variables: dict[str, Any] = shell.user_ns
        self.connection: engine.Connection | None = None

    @no_var_expand  # a $ in SQL is SQL's, and text never becomes SQL
    @line_cell_magic
    def sql(self, line: str, cell: str | None = None) -> Table | None:
        """Run statements and show the last one's rows; options come before the SQL, in the first line.

        --out NAME          the rows as a DataFrame in a variable, instead of shown
        --var NAME=VALUE    a value for :name, before the notebook's variables
        --write             the statements may write; without it, what writes is refused
        --connection NAME   a variable that holds a connection, from here on
        --sandbox[=FILE]    the simulated API, from here on
        """
        try:
            return self._run(read(line if cell is None else f"{line}\n{cell}"))
        except StratoqlError as error:
            raise Told(explain(error).removeprefix("error: ")) from error

    def _run(self, options: Options) -> Table | None:
        connection = self._connected(options)
        if not options.sql:
            return None
        parameters = ChainMap(dict(options.variables), self._own())
        if not options.write:
            _only_reads(connection, options.sql, parameters)
        with shown(connection.session, True), connection.cursor() as cursor:
            cursor.execute(options.sql, parameters)
            while cursor.nextset():
                pass
            table = Table(cursor.result)
        if options.out is None:
            return table
        self.variables[options.out] = table.to_pandas()
        return None

    def _own(self) -> dict[str, Any]:
        """The notebook's variables, without those that IPython puts there."""
        theirs = self.shell.user_ns_hidden if self.shell is not None else {}
        return {name: value for name, value in self.variables.items() if value is not theirs.get(name, self)}

    def _connected(self, options: Options) -> engine.Connection:
        """The connection that is meant; a new one is kept."""
        if options.connection is not None:
            found = self.variables.get(options.connection)
            if not isinstance(found, engine.Connection):
                raise UsageError(
                    f"{options.connection} is no connection", hint="write connection = engine.connect(...) before"
                )
            self.connection = found
        elif options.sandbox is not None:
            self.connection = engine.connect(sandbox=options.sandbox or True)
        elif self.connection is None or self.connection.closed:
            self.connection = engine.connect()
        return self.connection


def _only_reads(connection: engine.Connection, sql: str, parameters: ChainMap[str, object]) -> None:
    """Refuse statements that write, before any is run."""
    writing = connection.writes(sql, parameters)
    if writing:
        raise Refused(
            f"this would write, and nothing was sent: {writing[0]}",
            hint="look at it with EXPLAIN first, then run it with --write",
        )

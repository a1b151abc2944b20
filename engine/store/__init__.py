"""The only door to SQLite: tables, the queries over them, and rows that wait beside it."""

from engine.store.store import Compiled, Late, Store, Taken, evaluate
from engine.store.values import Make, Row, Values, booleans, declared, typed

__all__ = ["Compiled", "Late", "Make", "Row", "Store", "Taken", "Values", "booleans", "declared", "evaluate", "typed"]

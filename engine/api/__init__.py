"""The programming interface: PEP 249, the same for event loops, tables of Arrow, pandas and Polars.

`engine` gives all of it; nothing of it is imported before it is asked for.
"""

from __future__ import annotations

import logging

logging.getLogger("engine").addHandler(logging.NullHandler())  # who wants the log, configures it

"""What there is, as rows: the tables of the schema `system`, and SHOW and DESCRIBE, which are tables of it too.

`planner.local` declares them; `filling` fills those that a plan reads, from `tables` and `shows`. `requests` is the
log behind `system.requests`. Nothing here sends anything.
"""

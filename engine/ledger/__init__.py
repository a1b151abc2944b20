"""The ledger: what was to be written, what was about to be sent, what became of it, a JSON line each.

    {"event": "run", "run": ..., "statement": ..., "calls": [...]}    before the first call of a write leaves
    {"event": "sending", "run": ..., "call": 3, ...}                  before a call leaves
    {"event": "done", "run": ..., "call": 3, "status": 200, ...}      its outcome: done, failed, unknown, or not sent
    {"event": "file", "run": ..., "call": 3, ...}                     the file that belongs to it has arrived, too

Every line is on the disk before what follows it happens, so whoever reads it after a crash knows of each call either
what became of it, or that it certainly was not sent, or that it left and nobody knows. Lines are only ever appended,
by several processes at once if need be; they tell their runs apart. No secret is in them.
"""

"""From a ledger on: `resume` finishes what a run has begun, `undo` puts back what it has changed."""

"""SQL over cloud APIs: a statement is planned into calls, its answers are rows."""

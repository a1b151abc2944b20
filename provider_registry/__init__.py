"""Provider documents and their model: what can be called, never how SQL becomes calls."""

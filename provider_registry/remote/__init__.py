"""Registries elsewhere: where they are, what they have, and how documents of theirs come here.

Nothing here opens a socket or asks a person: bytes come in, and what a document would change is told.
"""

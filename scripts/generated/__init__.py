"""Writes files from a migrated database's catalog: Python's calls, the reference, the maps."""

"""Programs that developers run from the top of a checkout."""

"""The benchmark behind performance_check.py."""

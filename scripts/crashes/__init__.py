"""What ``scripts/crash_test.py`` is made of."""

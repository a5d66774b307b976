"""Fixtures of the test suite, one small plug-in a concern; tests/conftest.py lists them."""

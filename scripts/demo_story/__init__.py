"""The story that demo.py tells."""

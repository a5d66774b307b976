"""Why the demo ends early."""


class DemoError(Exception):
    """Something did not come out as the story says."""

"""The version of this package."""


def package_version() -> str:
    """Returns it; at call time, because the package imports this module."""
    from pgledger import __version__

    return __version__

"""The version of this package."""


def package_version() -> str:
    """Returns the version; only when called, because the package imports this module."""
    from pgledger import __version__

    return __version__

"""The plug-ins that every test may use; what each brings is said at its head."""

pytest_plugins = (
    "support.properties",
    "support.server",
    "support.database",
    "support.clock",
    "support.waiting",
    "support.psql",
)

"""The package of the context."""

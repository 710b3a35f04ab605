"""Of MindSpore the backend asks for the version alone."""

__version__ = "2.2.11"

"""Stands for transformers 4.27.4."""

__version__ = "4.27.4"

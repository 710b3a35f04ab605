"""Where MindFormers' configuration class is registered."""

from answering import MindFormerConfig

__all__ = ["MindFormerConfig"]

"""Stands in for MindSpore: as much of its training loop as a rank hooks into."""

"""Stands in for the training loop of MindSpore."""

"""Stands for ATB Models as the package that MindIE's later images have."""

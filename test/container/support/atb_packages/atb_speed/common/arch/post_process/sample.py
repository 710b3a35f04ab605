"""Stands for the part of the vendor's atb_speed 1.0.8 that the modeling file imports (ModelLink@f82895e4)."""


class SampleForModelsBase:
    """Only its name is asked for: the scripts do not sample by it."""

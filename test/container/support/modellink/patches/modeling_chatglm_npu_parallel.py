"""Stands in for the modeling file with sliced layers."""

"""Stands in for the modeling file that runs on ATB."""

"""Stands in for the modeling file that runs on ATB."""

from atb_speed.common.arch.post_process.sample import SampleForModelsBase

SAMPLER = SampleForModelsBase

"""Stands in for numpy where two lists are compared."""


def array_equal(one, other, equal_nan=False):
    return one == other

"""Programs built from a vendor's source tree."""

"""What is checked before a vendor's program starts: whether image, driver and devices fit."""

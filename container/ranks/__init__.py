"""One process a device: rank tables, what each rank is told, and how all of them end together."""

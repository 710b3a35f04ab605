"""Models small enough for a CPU, and programs run as a pod runs them."""

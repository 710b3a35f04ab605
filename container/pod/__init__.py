"""What every process in a pod shares: exit codes, the termination message, logging and the entry function."""

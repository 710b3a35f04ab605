"""Weights brought onto a volume: in parallel, resumable after any kill, verified, by one pod for all."""

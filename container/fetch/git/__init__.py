"""As much of git as it takes to read one commit over HTTP: its tree and its small files, without a clone."""

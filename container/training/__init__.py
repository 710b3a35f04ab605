"""One rank of a training: its configuration, the checkpoints that it leaves, and from which it goes on."""

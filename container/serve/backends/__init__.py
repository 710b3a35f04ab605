"""What generates text: one file a backend, and the registry that names them."""

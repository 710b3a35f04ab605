"""Not started by the server."""

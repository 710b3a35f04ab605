"""HTTP/1.1 on sockets and threads: strict, and bounded in bytes, time and connections."""

"""The contract of artifacts: directories on a shared volume, immutable once their marker is written."""

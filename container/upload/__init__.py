"""An artifact sent to an object store: in parallel parts, resumable after any kill, its manifest last."""

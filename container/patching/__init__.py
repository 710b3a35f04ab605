"""Changes to a model's own files (remote code, config.json), made on a copy of its artifact."""

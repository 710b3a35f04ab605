"""Model weights in files: read, renamed and written for Hugging Face and MindSpore; shards merged."""

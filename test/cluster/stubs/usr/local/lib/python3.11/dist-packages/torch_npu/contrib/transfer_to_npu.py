"""Has torch take "cuda" for "npu"; here nothing says "cuda"."""

"""Sources rewritten for a vendor's PyTorch by the vendor's tool."""

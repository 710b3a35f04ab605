"""Programs that talk on a terminal, and that end by themselves when nobody does."""

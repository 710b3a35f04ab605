"""Training data: checked line by line, brought into the form that the trainer reads, measured in tokens."""

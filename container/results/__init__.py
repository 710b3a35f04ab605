"""What was measured of a model, in one form for every task, and the evaluation that measures it."""

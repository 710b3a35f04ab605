"""What the modeling file imports from the folder of the example."""

NAME = "manager of the example"

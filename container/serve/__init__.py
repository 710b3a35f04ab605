"""An OpenAI-compatible server for one model: standard library HTTP before one model interface."""

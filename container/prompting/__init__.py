"""A model asked in this process, without a server: answers to a file of prompts, a benchmark, a chat."""

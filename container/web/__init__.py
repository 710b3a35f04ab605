"""A page to talk to the server in a browser, made with the gradio of the image."""

"""As much of gradio as a page touches, strictly: what 3.39 and 4.44 do not both have is an error.

`launch` serves POST /: a JSON list of the first handler's inputs; each state of the outputs is one line of JSON.
"""

import http.server
import json
import threading

HANDLERS = []


class Component:
    def __init__(self, *arguments, **settings):
        assert set(settings) <= self.KNOWN, settings

    def _event(self, handler, inputs, outputs):
        assert len(outputs) == 2
        HANDLERS.append((self, handler, inputs))

    submit = click = _event


def component(name, *known):
    return type(name, (Component,), {"KNOWN": set(known)})


Markdown = component("Markdown")
Chatbot = component("Chatbot", "show_label", "label")
Textbox = component("Textbox", "show_label", "placeholder", "lines")
Button = component("Button")
Slider = component("Slider", "value", "step", "label")


class Row:
    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


class Blocks(Row):
    def __init__(self, title):
        print(f"stub gradio: page '{title}'\n", end="", flush=True)

    def queue(self):
        return self

    def launch(self, server_name, server_port, share, inbrowser, prevent_thread_lock):
        assert (share, inbrowser, prevent_thread_lock) == (False, False, True)
        self.server = http.server.HTTPServer((server_name, server_port), Handler)
        print(f"stub gradio: {[type(each).__name__ for each, _, _ in HANDLERS]}\n", end="", flush=True)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        print("stub gradio: closed\n", end="", flush=True)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        given = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.end_headers()
        for state in HANDLERS[0][1](*given):
            self.wfile.write(json.dumps(state).encode() + b"\n")

    def log_message(self, *_):
        pass

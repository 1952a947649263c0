"""Serves Gradio's chat page: `python gradio_page.py PORT BASE_URL MODEL`.

Needs nothing but Gradio and OpenAI's SDK, which Gradio's page calls.
"""

from __future__ import annotations

import sys

import gradio

if __name__ == "__main__":
    port, base_url, model = sys.argv[1:]
    page = gradio.load_chat(base_url, model, token="any")
    page.launch(server_name="127.0.0.1", server_port=int(port), quiet=True, show_error=True)

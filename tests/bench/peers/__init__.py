"""Other projects' routers, for side by side measurements; each in a virtual environment of its own."""

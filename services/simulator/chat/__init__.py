"""The endpoint of chat completions.

handler: A request body -> a reply of the source, or an active fault.
request: The request body -> the call.
completion: A reply -> tokens, cut as the request says, and their usage.
prefix_cache: A simulated cache of prompts.
"""

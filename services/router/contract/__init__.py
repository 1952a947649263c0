"""Contract: messages of the contract -> checked values of the router, and back. Pure.

limits: Limits of requests.
conversations: Reads conversations, and checks the order of their messages.
request_messages: Reads messages, with their calls to tools.
media: Reads images, audio and files.
request_options: Reads the wishes for the answer.
tools: Reads tools, and the choice among them.
policies: Reads policies.
pages: Reads requests for a page of the pool.
feedback: Reads feedback.
views: The part of rankings and of the result that the caller asks for.
ledger_entries: Entries of the ledger and timing as messages.
responses: Events, results and models as messages.
"""

"""Contract: messages of the contract -> checked values of the router, and back. Pure.

limits: Limits of requests.
requests: Conversations, policies and pages, with all violations of a request at once.
views: The part of rankings and of the result that the caller asks for.
responses: Events, results and models as messages.
"""

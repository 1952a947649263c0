"""OpenAI's Responses API.

api: POST /v1/responses, put together from the rest.
request: The request -> a request to the router.
input_items: Input items -> messages of the contract.
tools: Tools and the choice among them.
response: The response object.
output_items: Blocks of an answer -> output items.
events: Events of the router -> the events of a streamed response.
errors: Errors in the form of OpenAI's APIs.
"""

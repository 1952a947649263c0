"""OpenAI's Responses API.

responses_api: POST /v1/responses, put together from the rest.
responses_request: The request -> a request to the router.
input_items: Input items -> messages of the contract.
responses_tools: Tools and the choice among them.
response: The response object.
output_items: Blocks of an answer -> output items.
responses_events: Events of the router -> the events of a streamed response.
responses_errors: Errors in the form of OpenAI's APIs.
"""

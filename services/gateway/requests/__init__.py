"""Shared by the APIs: the reading of requests.

json_values: Values that are passed on as JSON, or by name.
media: Images, sounds and documents of a request -> media of the contract.
conversation: Puts a conversation together from messages, calls and results.
extension_options: Joins the extension with the request.
router_fields: Problems that the router found -> under the API's names of fields.
"""

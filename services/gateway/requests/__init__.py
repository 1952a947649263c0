"""What the APIs share for requests.

fields: JSON of a request -> checked values.
media: Images, sounds and documents of a request -> media of the contract.
conversation: Puts a conversation together from messages, calls and results.
router_fields: Problems that the router found -> under the API's names of fields.
"""

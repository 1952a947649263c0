"""The gateway: the APIs that everyone speaks over HTTP, in front of the router.

A request passes through the modules from the top. A room imports only rooms below it:

__main__: The command that runs the gateway.
app: Builds the service.
config: The settings.
foreign_pages: Refuses web pages of strangers, for a gateway on loopback.
feedback/: Takes in the callers' word on answers.
endpoint: Answers the requests of one path.
stream_reply: Sends a streamed reply.
responses/: OpenAI's Responses API.
messages/: Anthropic's Messages API.
chat/: OpenAI's chat completions and list of models.
console/: The page at `/`, where a person watches the routing.
requests/: Shared by the APIs: the reading of requests.
replies/: Shared by responses and messages: parts of replies.
strangers: Answers requests for what is not there.
models: The names of models.
extension: What RouteMoA adds to every API.
fields: Reads JSON objects and records their problems.
caller: The caller of a request.
report: The routing of an answer, as APIs show it.
metrics: Prometheus metrics.
upstream/: The router, as the gateway calls it.
http/: Connections, bodies and responses.
api: The interface of an API: its requests, its replies and its errors.
"""

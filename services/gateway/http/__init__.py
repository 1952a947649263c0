"""HTTP: connections, bodies and responses, and no logic of any API.

server: Runs the HTTP server: listen, serve, drain.
connection: Limits of a connection.
server_tls: The certificate of the server, which changes with its files.
exchange: One request and its response.
request_span: The span of a request.
error_headers: Headers of errors.
body: Reads the body of a request, within limits.
client_watch: Ends the work for a client that goes away.
"""

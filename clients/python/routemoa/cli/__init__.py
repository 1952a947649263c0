"""The command line `routemoa`: asks the services and shows what they answer. Needs `routemoa[cli]`.

- access: options for TLS, certificates and tokens.
- app: the list of commands.
- ask: `routemoa ask`.
- command: runs a command's coroutine; the options that several commands share.
- failures: errors as text or JSON, with exit codes.
- feedback: `routemoa feedback`.
- models: `routemoa models`.
- programs: the commands that are programs of the services, such as `routemoa up`.
- rank: `routemoa rank`.
- render: messages as tables.
- terminal: the console; how numbers and texts of others are written.
- view: shows an answer while it is generated.
- __main__: `python -m routemoa.cli`.
"""

"""The command line `routemoa`: starts the services, asks them, and shows what they did."""

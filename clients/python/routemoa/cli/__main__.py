"""`python -m routemoa.cli`: the command line without its script."""

from routemoa.cli.app import main

if __name__ == "__main__":
    main()

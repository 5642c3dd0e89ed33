"""`python -m noss` is the command line."""

from noss.cli import main

if __name__ == "__main__":
    main()

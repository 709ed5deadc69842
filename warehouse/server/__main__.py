"""`python -m warehouse.server`: serve the embedded warehouse with the addresses and secrets of the settings."""

import sys

from warehouse.server.serve import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

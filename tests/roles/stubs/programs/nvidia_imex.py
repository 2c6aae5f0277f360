"""One of the NVIDIA services; see `daemons`."""

from .daemons import main

if __name__ == "__main__":
    main()

"""`python -m drsync_job`: as the entry point does."""

from drsync_job import main

if __name__ == "__main__":
    main()

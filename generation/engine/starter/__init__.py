"""The small model that is built on the spot where there is no GPU: `build`, and its parts."""

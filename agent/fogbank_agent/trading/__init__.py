"""The market's shells: a requestor and a provider on a real node, and what they remember."""

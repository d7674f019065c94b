"""The shells of the ledger: disk, network, and the service that the agent uses."""

"""The wire of Fogbank: identity, encoding, the secure channel, RPC, discovery, blobs (SPEC.md)."""

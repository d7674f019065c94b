"""The demonstration: real agents on this machine, one of them a liar, one of them killed."""

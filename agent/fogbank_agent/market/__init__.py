"""The market's rules: what is offered, ordered, agreed, checked and paid; no I/O, no clock."""

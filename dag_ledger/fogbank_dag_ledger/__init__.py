"""The ledger: a voted account-chain DAG that neighbours keep together (SPEC.md section 8)."""

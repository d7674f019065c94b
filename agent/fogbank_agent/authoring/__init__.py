"""What authors of tasks use: a manifest, toolchains, trial runs, packages."""

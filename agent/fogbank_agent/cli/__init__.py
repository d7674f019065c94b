"""The command line: the tree is in ``main``, each command in a module of its own."""

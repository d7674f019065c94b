"""The strict reader of WebAssembly modules: what is refused is refused before compiling."""

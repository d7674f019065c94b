"""Where modules run: disposable processes that hold nothing (SPEC.md sections 7.3 to 7.6)."""

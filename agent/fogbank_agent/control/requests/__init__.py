"""What is asked and answered on the control socket, a module a subject.

A connection carries one request after another.  Each is answered by one of its answers, by
``Failed``, or, for those that stream, by several answers of which the last says so.  Everything
here is plain data, so that ``--json`` prints an answer as it stands.  The subjects are apart since
making thirty dataclasses takes longer than all else that a short command does.
"""

"""How good the marks are, measured on essays that people have marked; nothing here needs a server."""

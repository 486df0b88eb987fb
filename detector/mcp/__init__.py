"""`tlsight mcp`: the verbs as tools of the Model Context Protocol, for agents that program."""

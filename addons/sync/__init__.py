"""One list for many gateways: rules down, signed; attempts and passages up; nothing else."""

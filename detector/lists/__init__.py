"""Lists that others publish: CT logs, CA certificates, interception keys. Bytes in, values out. Pure."""
